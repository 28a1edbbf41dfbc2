"""Experts on the device: each lies there once, rows point to it, and the least recently used leaves.

P places   N numbers of one expert   M the same in the kernels' order
"""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.fused.rows import LayerRows, RowOrder
from semoe.experts.layout import ExpertLayout

FIRST_PLACES = 64
SHARE = 0.4
"""Of the device's free memory that experts may take; more where the rows that run need more."""


@dataclass(slots=True)
class _Held:
    place: int
    num_users: int
    vector_N: Tensor | None
    """Kept where it has no name: as long as it lives, no other tensor has its identity."""


class ExpertPool:
    """A matrix of experts, grown as they come."""

    def __init__(self, layout: ExpertLayout, dtype: torch.dtype, device: torch.device) -> None:
        self._order = RowOrder(layout)
        self._places_N = self._order.places().to(device)
        self._pool_PM = torch.zeros(1, self._order.size, dtype=dtype, device=device)
        self._copying = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._held: dict[str | int, _Held] = {}
        self._idle: OrderedDict[str | int, None] = OrderedDict()
        self._free = [0]
        self._limit = _most_places(self._order.size * dtype.itemsize, device)
        self.generation = 0
        """Counts how often the experts were moved to another matrix."""
        self.num_loads = 0
        """Experts brought to the device."""

    @property
    def layers(self) -> list[LayerRows]:
        """All experts, layer by layer."""
        return self._order.layers(self._pool_PM)

    def take(self, vector_N: Tensor, key: str | None = None) -> int:
        """Returns the place of an expert for one more row; loads it where it is not there.

        Args:
            vector_N: its numbers; they must not change any more.
            key: tells it from all others; None: it is told by its identity.
        """
        name = key or id(vector_N)
        held = self._held.get(name)
        if held is None:
            held = _Held(self._free_place(), 0, None if key else vector_N)
            self._fill(held.place, vector_N)
            self._held[name] = held
        held.num_users += 1
        self._idle.pop(name, None)
        return held.place

    def give_back(self, vector_N: Tensor, key: str | None = None) -> None:
        """Ends the use by one row; the expert stays until its place is wanted."""
        name = key or id(vector_N)
        held = self._held[name]
        held.num_users -= 1
        if not held.num_users:
            self._idle[name] = None

    def _fill(self, place: int, vector_N: Tensor) -> None:
        self._pool_PM[place].index_copy_(0, self._places_N, self._moved(vector_N.to(self._pool_PM.dtype)))
        self.num_loads += 1

    def _moved(self, vector_N: Tensor) -> Tensor:
        """Copies numbers to the device while it computes; what comes after them on its stream finds them there."""
        if self._copying is None or vector_N.is_cuda:
            return vector_N.to(self._pool_PM.device)
        pinned_N = vector_N if vector_N.is_pinned() else vector_N.pin_memory()
        computing = torch.cuda.current_stream(self._pool_PM.device)
        with torch.cuda.stream(self._copying):
            moved_N = pinned_N.to(self._pool_PM.device, non_blocking=True)
        computing.wait_stream(self._copying)
        moved_N.record_stream(computing)
        return moved_N

    def _free_place(self) -> int:
        if not self._free and self._idle and len(self._pool_PM) >= self._limit:
            name, _ = self._idle.popitem(last=False)
            self._free.append(self._held.pop(name).place)
        if not self._free:
            self._grow()
        return self._free.pop()

    def _grow(self) -> None:
        old_PM = self._pool_PM
        size = max(FIRST_PLACES, min(2 * len(old_PM), self._limit))
        # Where all are in use, the limit is not kept: the rows that run must have theirs.
        size = size if size > len(old_PM) else len(old_PM) + FIRST_PLACES
        self._pool_PM = old_PM.new_zeros(size, old_PM.shape[1])
        self._pool_PM[: len(old_PM)] = old_PM
        self._free += reversed(range(len(old_PM), size))
        self.generation += 1


def _most_places(expert_bytes: int, device: torch.device) -> int:
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 1 << 30
    return max(FIRST_PLACES, int(SHARE * free) // expert_bytes)
