"""Decode steps as captured graphs: launched as one, where their kernels one by one would keep the device waiting.

B rows
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semoe.experts.fused.sending import Sender

Decode = Callable[[Tensor], Tensor]
EAGER = 3
"""Steps of a size that run before one is captured: capturing pays where there are many."""
STEP = 64
"""Sizes above it are its multiples; those below are powers of two."""


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: "torch.cuda.CUDAGraph"
    slots_B: Tensor
    result: Tensor


class Graphs:
    """Runs steps of any number of rows, captured in a few sizes; rows that are too many write to a spare slot."""

    def __init__(self, device: torch.device, spare: int) -> None:
        self._device = device
        self._send = Sender(device)
        self._spare = spare
        self._captured: dict[int, _Captured] = {}
        self._num_steps = Counter[int]()
        self._generation: tuple[int, ...] = ()

    def run(self, decode: Decode, slots: Sequence[int], generation: tuple[int, ...]) -> Tensor:
        """Runs a step; returns what `decode` returned, of these rows; the next step overwrites it.

        Args:
            decode: computes a step of rows in slots. Not kept: who keeps graphs would be kept by it.
            slots: of the rows.
            generation: changes when something moved that a graph points to.
        """
        if generation != self._generation:
            self.forget()
            self._generation = generation
        size = size_of(len(slots))
        slots_B = self._send.table(np.array([*slots, *[self._spare] * (size - len(slots))]))
        self._num_steps[size] += 1
        if self._device.type != "cuda" or self._num_steps[size] <= EAGER:
            return decode(slots_B)[:, : len(slots)]
        if size not in self._captured:
            self._captured[size] = self._capture(decode, slots_B)
        found = self._captured[size]
        found.slots_B.copy_(slots_B)
        found.graph.replay()
        return found.result[:, : len(slots)]

    def forget(self) -> None:
        """Drops all graphs."""
        self._captured.clear()
        self._num_steps.clear()

    def _capture(self, decode: Decode, slots_B: Tensor) -> _Captured:
        static_B = slots_B.clone()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = decode(static_B)
        return _Captured(graph, static_B, result)


def size_of(num_rows: int) -> int:
    """Returns the size of the graph for so many rows."""
    if num_rows <= STEP:
        return 1 << (num_rows - 1).bit_length()
    return -(-num_rows // STEP) * STEP
