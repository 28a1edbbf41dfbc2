"""Steps as captured graphs: launched as one, where their kernels one by one would keep the device waiting."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.fused.sending import Sender
from semoe.experts.packing import Numbers
from semoe.generation.fused.forward import Step
from semoe.generation.fused.shape import Shape

Compute = Callable[[Tensor, Shape], Step]
"""Computes a step from its tables."""
MOST = 128
"""Graphs that are kept; each takes some megabytes of the host's memory."""


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: "torch.cuda.CUDAGraph"
    numbers: Tensor
    """Where the step's tables are read from."""
    step: Step


class Graphs:
    """Runs steps of a few sizes: the first of a size kernel by kernel, the second is captured."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._send = Sender(device)
        self._captured: dict[Shape, _Captured] = {}
        """The one used last at the end."""
        self._seen = set[Shape]()
        self._generation: tuple[int, ...] = ()

    def run(self, compute: Compute, numbers: Numbers, shape: Shape, generation: tuple[int, ...]) -> Step:
        """Runs a step; what it leaves, the next one overwrites.

        Args:
            compute: does it. Not kept: who keeps graphs would be kept by it.
            numbers: the step's tables.
            shape: of the step, one of those that are captured.
            generation: changes when something moved that a graph points to.
        """
        if generation != self._generation:
            self.forget()
            self._generation = generation
        sent = self._send.numbers(numbers)
        if self._device.type != "cuda" or shape not in self._seen:
            self._seen.add(shape)
            return compute(sent, shape)
        found = self._captured.pop(shape, None) or self._capture(compute, sent, shape)
        self._captured[shape] = found
        while len(self._captured) > MOST:
            oldest = next(iter(self._captured))
            del self._captured[oldest]
            self._seen.discard(oldest)
        found.numbers.copy_(sent)
        found.graph.replay()
        return found.step

    def forget(self) -> None:
        """Drops all graphs."""
        self._captured.clear()
        self._seen.clear()

    def _capture(self, compute: Compute, sent: Tensor, shape: Shape) -> _Captured:
        numbers = sent.clone()
        graph = torch.cuda.CUDAGraph()
        # Steps never run at once and leave nothing but what lies in the engine's buffers, so they share their memory.
        memory = next((one.graph.pool() for one in self._captured.values()), None)
        with torch.cuda.graph(graph, pool=memory, capture_error_mode="thread_local"):
            step = compute(numbers, shape)
        return _Captured(graph, numbers, step)
