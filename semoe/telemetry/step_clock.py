"""Times what repeats: from one step to the next, without what is paused. Used by the training of a shard."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Histogram


class StepClock:
    """Observes, at each tick, the seconds since the tick before it.

    On a GPU the host runs ahead of the device and waits for it now and then: single values vary, their mean is right.
    """

    def __init__(self, seconds: Histogram) -> None:
        self._seconds = seconds
        self._since = time.monotonic()

    def tick(self) -> None:
        """Ends a step and begins the next."""
        now = time.monotonic()
        self._seconds.observe(now - self._since)
        self._since = now

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves out what is done meanwhile."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._since += time.monotonic() - began
