"""Which sequences run: pure host-side policy, no tensors.

Running sequences fill slots 0 … n−1 without a hole; a slot is a row of the cache and of the expert table. When one
finishes, the last running sequence moves into its place.
"""

from collections import deque

from semoe.generation.running import Running


class Scheduler:
    """Admits waiting sequences while there are free rows and prefill budget."""

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

    def admit(self) -> list[Running]:
        """Moves waiting sequences into the next free slots; at least one if a slot is free."""
        admitted: list[Running] = []
        used = 0
        while self._waiting and len(self.running) < self._max_rows:
            need = len(self._waiting[0].request.prompt)
            if admitted and used + need > self._prefill_tokens:
                break
            used += need
            admitted.append(self._waiting.popleft())
            self.running.append(admitted[-1])
        return admitted

    def retire(self) -> tuple[list[Running], list[tuple[int, int]]]:
        """Removes finished sequences; returns them, and the moves (from slot, to slot) that close the holes."""
        finished: list[Running] = []
        moves: list[tuple[int, int]] = []
        # From the back: the sequence that moves into a hole has then been looked at already.
        for slot in reversed(range(len(self.running))):
            if self.running[slot].finish is None:
                continue
            finished.append(self.running[slot])
            last = self.running.pop()
            if slot < len(self.running):
                self.running[slot] = last
                moves.append((len(self.running), slot))
        return finished, moves
