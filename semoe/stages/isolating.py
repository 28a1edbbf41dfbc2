"""Goes on where one item of many makes their common work fail: it is found by halves, and left out.

Called by the training of stage `encode`: experts are trained many at once, and an error names none of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from semoe.errors import SemoeError

T = TypeVar("T")
MOST_IN_A_ROW = 8
"""Items that fail alone before anything succeeds: then it is the fault of none of them."""


class Taken(Iterator[T], Generic[T]):
    """Hands out items, and knows which of them are not finished."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._position = 0
        self.unfinished: dict[int, T] = {}
        """By position."""
        self.num_finished = 0
        self.error: Exception | None = None
        """Of whoever makes the items: no item's fault."""

    def __next__(self) -> T:
        try:
            item = next(self._items)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise
        self.unfinished[self._position] = item
        self._position += 1
        return item

    def finish(self, position: int) -> None:
        """Says that the item handed out at a position is done with."""
        del self.unfinished[position]
        self.num_finished += 1


Work = Callable[[Taken[T]], None]
"""Does what it takes, and says of each item when it is finished."""


class _Failed(NamedTuple, Generic[T]):
    error: Exception
    unfinished: Sequence[T]


class Isolating(Generic[T]):
    """Does work on many items, and leaves out those at fault.

    Args:
        work: done on all that is left at once.
        set_aside: hears of an item that failed with others and then alone, and of the error.
    """

    def __init__(self, work: Work[T], set_aside: Callable[[T, Exception], None]) -> None:
        self._work = work
        self._set_aside = set_aside
        self._num_finished = 0
        """Since items were left out."""
        self._at_fault: list[tuple[T, Exception]] = []
        """Failed alone, and are not left out yet."""
        self._was_any = False
        """Whether anything was ever finished."""

    def run(self, items: Iterable[T]) -> None:
        """Does it.

        Raises:
            SemoeError: of settings, store or device: no item's fault. So are `MemoryError`, what a device says of
                itself, and what every item meets.
        """
        rest = iter(items)
        while failed := self._tried(rest):
            self._leave_out()
            self._find(failed.unfinished)
        if len(self._at_fault) > 1 and not (self._was_any or self._num_finished):
            raise self._at_fault[0][1]
        self._num_finished += 1  # there is nothing left to wait for
        self._leave_out()

    def _leave_out(self) -> None:
        """Sets aside what has failed alone, once anything was done after it: where all of a batch fails, not before."""
        if not self._num_finished:
            return
        for item, error in self._at_fault:
            self._set_aside(item, error)
        self._was_any, self._num_finished, self._at_fault = True, 0, []

    def _find(self, items: Sequence[T]) -> None:
        """Does items that failed together, in two halves; what fails alone is at fault."""
        middle = len(items) // 2
        for part in filter(None, (items[:middle], items[middle:])):
            failed = self._tried(iter(part))
            self._leave_out()
            if failed and len(part) == 1:
                self._at_fault.append((part[0], failed.error))
                if len(self._at_fault) >= MOST_IN_A_ROW:
                    raise failed.error
            elif failed:
                self._find(failed.unfinished)

    def _tried(self, items: Iterator[T]) -> "_Failed[T] | None":
        taken = Taken(items)
        try:
            self._work(taken)
        except (SemoeError, MemoryError):
            raise
        except Exception as error:
            if taken.error is error or "CUDA error" in str(error):
                raise  # a device that has failed fails with everything
            return _Failed(error, list(taken.unfinished.values()))
        finally:
            self._num_finished += taken.num_finished
        return None
