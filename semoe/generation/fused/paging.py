"""Pages of the key-value cache: taken when a row begins, given back when it ends, grown as rows need them.

N pages   S slots and one more, for rows of a graph that nobody uses   L pages of the longest slot
"""

import numpy as np
import torch
from torch import Tensor

from semoe.generation.fused.memory import fits
from semoe.kernels.pages import PAGE, Pages
from semoe.models.decoder import Decoder

FIRST_PAGES = 256
SHARE = 0.8
"""Of the free memory that a larger cache may take."""


class Paging:
    """The cache of all rows."""

    def __init__(self, decoder: Decoder, num_slots: int) -> None:
        config = decoder.config
        shape = (config.num_hidden_layers, 1, config.num_key_value_heads, PAGE, config.head_dim)
        self._keys = torch.zeros(shape, dtype=decoder.dtype, device=decoder.device)
        self._values = torch.zeros_like(self._keys)
        # Page 0 is the spare slot's: what is written there nobody reads.
        self._free = list[int]()
        self._pages: dict[int, list[int]] = {}
        self.table_SL = np.zeros((num_slots + 1, 1), dtype=np.int32)
        """Pages of each slot; the device has a copy."""
        self.generation = 0
        """Counts how often the cache was moved."""

    @property
    def longest(self) -> int:
        """Places that the longest slot may have."""
        return int(self.table_SL.shape[1]) * PAGE

    def layer(self, layer: int, table_SL: Tensor) -> Pages:
        """Returns one layer's pages."""
        return Pages(self._keys[layer], self._values[layer], table_SL)

    def has_room(self, num_places: int, *, must: bool) -> bool:
        """Makes sure that a row of so many places fits.

        Args:
            num_places: of the row.
            must: whether to fail where the device has no room, in place of waiting for rows to end.

        Raises:
            torch.OutOfMemoryError: there is none, and it must.
        """
        return _num_pages(num_places) <= len(self._free) or self._grow(_num_pages(num_places), must=must)

    def take(self, slot: int, num_places: int) -> None:
        """Gives a slot its pages; there must be room."""
        pages = [self._free.pop() for _ in range(_num_pages(num_places))]
        self._pages[slot] = pages
        if len(pages) > self.table_SL.shape[1]:
            width = max(len(pages), self.table_SL.shape[1] * 3 // 2)
            self.table_SL = np.pad(self.table_SL, ((0, 0), (0, width - self.table_SL.shape[1])))
            self.generation += 1
        self.table_SL[slot, : len(pages)] = pages

    def give_back(self, slot: int) -> None:
        """Frees a slot's pages."""
        self._free += self._pages.pop(slot)

    def _grow(self, num_needed: int, *, must: bool) -> bool:
        """Doubles the cache, or takes as much as is needed where that is all that fits."""
        have = self._keys.shape[1]
        needed = have + num_needed - len(self._free)
        sizes = [size for size in (max(2 * have, needed, FIRST_PAGES), needed) if self._fits(size)]
        if not sizes and not must:
            return False
        size = sizes[0] if sizes else needed
        # Both before either is put in place: what fails leaves all as it was.
        grown = _grown(self._keys, size), _grown(self._values, size)
        self._keys, self._values = grown
        self._free += reversed(range(max(1, have), size))
        self.generation += 1
        return True

    def _fits(self, num_pages: int) -> bool:
        num_bytes = 2 * self._keys[:, 0].numel() * self._keys.element_size() * num_pages
        return fits(num_bytes, self._keys.device, SHARE)


def _num_pages(num_places: int) -> int:
    return -(-num_places // PAGE)


def _grown(old: Tensor, size: int) -> Tensor:
    new = old.new_zeros(old.shape[0], size, *old.shape[2:])
    new[:, : old.shape[1]] = old
    return new
