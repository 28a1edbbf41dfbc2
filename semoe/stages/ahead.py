"""Makes what is needed next while what is there is used: a thread that runs a little ahead."""

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 0.1
"""Between two looks whether anybody still wants what is made."""


def ahead(items: Iterable[T], depth: int) -> Iterator[T]:
    """Yields the items, up to `depth` of which are made before they are asked for.

    An error in making one is raised where its item would have come. Whoever stops early ends the thread.

    Args:
        items: made in a thread of their own, in order.
        depth: how many wait at most.
    """
    made = Queue[Any](depth)
    unwanted = Event()
    thread = Thread(target=_make, args=(items, made, unwanted), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            found, error = _taken(made)
            if error is not None:
                raise error
            if found is None:
                return
            yield found[0]
    finally:
        unwanted.set()
        thread.join()


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
