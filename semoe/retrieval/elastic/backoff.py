"""Waiting for something that may come back: longer each time, never in step with others, and not for ever."""

import random
import threading
import time

FIRST_SECONDS = 0.2
LONGEST_SECONDS = 5.0


class Patience:
    """One wait after another until the time is up, or until somebody says stop."""

    def __init__(self, seconds: float, stop: threading.Event) -> None:
        self._seconds = seconds
        self._stop = stop
        self.renew()

    def renew(self) -> None:
        """Starts anew: there was progress."""
        self._until = time.monotonic() + self._seconds
        self._tries = 0

    def wait(self) -> bool:
        """Waits a while; False, at once, where the time is up or all is stopped."""
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**self._tries)
        delay = random.uniform(longest / 2, longest)
        self._tries += 1
        return time.monotonic() + delay < self._until and not self._stop.wait(delay)
