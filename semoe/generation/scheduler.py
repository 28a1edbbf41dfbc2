"""Which sequences run: pure host-side policy, no tensors."""

from collections import deque
from collections.abc import Callable

from semoe.generation.running import Running


class Scheduler:
    """Admits waiting sequences, in their order, while there are free rows, room for them, and prefill budget."""

    def __init__(self, max_rows: int, prefill_tokens: int) -> None:
        self._waiting = deque[Running]()
        self._max_rows = max_rows
        self._prefill_tokens = prefill_tokens
        self.running: list[Running] = []

    def add(self, sequence: Running) -> None:
        """Puts a sequence at the end of those that wait."""
        self._waiting.append(sequence)

    @property
    def has_work(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._waiting or self.running)

    def admit(self, takes: Callable[[Running], bool] = lambda sequence: True) -> list[Running]:
        """Lets waiting sequences run, at least one if a row is free; whoever `takes` them must have room."""
        admitted: list[Running] = []
        used = 0
        while self._waiting and len(self.running) < self._max_rows:
            need = len(self._waiting[0].ids)
            if (admitted and used + need > self._prefill_tokens) or not takes(self._waiting[0]):
                break
            used += need
            admitted.append(self._waiting.popleft())
            self.running.append(admitted[-1])
        return admitted

    def remove(self, sequence: Running) -> bool:
        """Removes a sequence before its end; returns whether it was running."""
        runs = sequence in self.running
        (self.running if runs else self._waiting).remove(sequence)
        return runs

    def retire(self) -> list[Running]:
        """Removes finished sequences, and returns them."""
        finished = [sequence for sequence in self.running if sequence.finish is not None]
        if finished:
            self.running = [sequence for sequence in self.running if sequence.finish is None]
        return finished
