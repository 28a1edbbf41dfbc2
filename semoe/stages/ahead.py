"""Makes what is needed next while what is there is used: a thread that runs a little ahead."""

import time
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 0.1
"""Between two looks whether anybody still wants what is made."""


class Ahead(Iterator[T], Generic[T]):
    """The items, up to `depth` of which are made before they are asked for.

    An error in making one is raised where its item would have come.

    Args:
        items: made in a thread of their own, in order.
        depth: how many wait at most.
    """

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._made = Queue[Any](depth)
        self._unwanted = Event()
        self._is_over = False
        self._thread = Thread(target=_make, args=(items, self._made, self._unwanted), name="ahead", daemon=True)
        self._thread.start()
        self.waited_seconds = 0.0
        """By whoever asked for items that were not made yet."""

    def num_ready(self) -> int:
        """Returns how many can be had at once."""
        return self._made.qsize()

    def close(self) -> None:
        """Ends the thread, once the item that it makes is made."""
        self._unwanted.set()
        self._thread.join()

    def __next__(self) -> T:
        if self._is_over:
            raise StopIteration
        began = time.monotonic()
        found, error = _taken(self._made)
        self.waited_seconds += time.monotonic() - began
        self._is_over = found is None
        if error is not None:
            raise error
        if found is None:
            raise StopIteration
        item: T = found[0]
        return item


def _taken(made: Queue[Any]) -> tuple[tuple[Any] | None, BaseException | None]:
    """Waits in short pieces, so that Ctrl-C is heard."""
    while True:
        try:
            found: tuple[tuple[Any] | None, BaseException | None] = made.get(timeout=PATIENCE_SECONDS)
        except Empty:
            continue
        return found


def _make(items: Iterable[Any], made: Queue[Any], unwanted: Event) -> None:
    try:
        for item in items:
            if not _put(made, ((item,), None), unwanted):
                return
        _put(made, (None, None), unwanted)
    except Exception as error:
        _put(made, (None, error), unwanted)


def _put(made: Queue[Any], item: tuple[Any, Any], unwanted: Event) -> bool:
    while not unwanted.is_set():
        try:
            made.put(item, timeout=PATIENCE_SECONDS)
        except Full:
            continue
        return True
    return False
