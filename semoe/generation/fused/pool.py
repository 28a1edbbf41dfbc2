"""Experts on the device: each lies there once, rows point to it, and the least recently used leaves.

P places   N numbers of one expert   M the same in the kernels' order
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.fused.rows import LayerRows, RowOrder
from semoe.experts.layout import ExpertLayout
from semoe.generation.fused.memory import available_bytes, fits

FIRST_PLACES = 64
FEW_PLACES = 8
"""Beyond the limit the pool grows by no more at a time."""
MOST = 0.9
"""Of the memory that is left when the pool moves to a larger matrix."""
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

    def has_room(self, names: Sequence[str | int], *, must: bool) -> bool:
        """Whether experts of these names fit, those of all running rows beside them; where they must, they do.

        Args:
            names: of one row's experts, see `name_of`.
            must: whether nobody else runs, so that waiting would bring nothing.
        """
        own = set(names)
        num_new = sum(name not in self._held for name in own)
        # Those that nobody uses may leave, but for the row's own.
        spare = len(self._free) + len(self._idle) - sum(name in self._idle for name in own)
        return must or num_new <= spare or self._can_grow(num_new - spare)

    def take(self, vector_N: Tensor, key: str | None = None) -> int:
        """Returns the place of an expert for one more row; loads it where it is not there.

        Args:
            vector_N: its numbers; they must not change any more.
            key: tells it from all others; None: it is told by its identity.
        """
        name = name_of(vector_N, key)
        held = self._held.get(name)
        if held is None:
            place = self._free_place()
            try:
                self._fill(place, vector_N)
            except BaseException:
                self._free.append(place)
                raise
            held = self._held[name] = _Held(place, 0, None if key else vector_N)
        held.num_users += 1
        self._idle.pop(name, None)
        return held.place

    def give_back(self, vector_N: Tensor, key: str | None = None) -> None:
        """Ends the use by one row; the expert stays until its place is wanted."""
        name = name_of(vector_N, key)
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
        if not self._free and self._idle and not self._can_grow(1):
            name, _ = self._idle.popitem(last=False)
            self._free.append(self._held.pop(name).place)
        if not self._free:
            self._grow()
        return self._free.pop()

    def _can_grow(self, num_more: int) -> bool:
        """Whether so many more places keep to the limit, and to the memory that is left: old and new exist at once."""
        size = max(self._next_size(), len(self._pool_PM) + num_more)
        row = self._pool_PM[0].numel() * self._pool_PM.element_size()
        return size <= self._limit and fits(size * row, self._pool_PM.device, MOST)

    def _next_size(self) -> int:
        return max(FIRST_PLACES, min(2 * len(self._pool_PM), self._limit))

    def _grow(self) -> None:
        old_PM = self._pool_PM
        # Where all are in use and nobody else runs, the limit is not kept: the row must have its own.
        size = self._next_size() if self._can_grow(1) else len(old_PM) + FEW_PLACES
        self._pool_PM = old_PM.new_zeros(size, old_PM.shape[1])
        self._pool_PM[: len(old_PM)] = old_PM
        self._free += reversed(range(len(old_PM), size))
        self.generation += 1


def name_of(vector_N: Tensor, key: str | None) -> str | int:
    """Returns what an expert is told by."""
    return key or id(vector_N)


def _most_places(expert_bytes: int, device: torch.device) -> int:
    available = available_bytes(device)
    return max(FIRST_PLACES, int(SHARE * (1 << 30 if available is None else available)) // expert_bytes)
