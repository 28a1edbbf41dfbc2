"""By which angles tokens are rotated: looked up in a table where they depend on positions alone.

T packed tokens   K head size
"""

import torch
from torch import Tensor

from semoe.kernels.heads import Angles
from semoe.models.decoder import Decoder, Rotated

FIRST_TABLE = 1024
"""Positions of the first table; it is made anew, twice as long, when a sequence is longer."""


class AngleTable:
    """Cosines and sines, computed once for each position: computing them anew makes the device wait for the host."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._tables: tuple[Angles, Angles] | None = None

    def of(self, positions_T: Tensor, lengths_T: Tensor, longest: int) -> tuple[Angles, Angles]:
        """Returns the angles of layers that see everything, and of those that slide.

        Args:
            positions_T: of each token in its own sequence.
            lengths_T: of each token's sequence.
            longest: of these lengths.
        """
        if self._decoder.config.rotates_by_length:
            full, sliding = self._decoder.rotations(positions_T, lengths_T)
            return _first_half(full), _first_half(sliding)
        full_table, sliding_table = self._table(longest)
        full_angles = _looked_up(full_table, positions_T)
        return full_angles, full_angles if sliding_table is full_table else _looked_up(sliding_table, positions_T)

    def _table(self, longest: int) -> tuple[Angles, Angles]:
        if self._tables is None or len(self._tables[0].cos_TK) < longest:
            size = max(FIRST_TABLE, 2 * longest)
            full, sliding = self._decoder.rotations(torch.arange(size, device=self._decoder.device), None)
            made = _first_half(full)
            self._tables = made, made if sliding is full else _first_half(sliding)
        return self._tables


def _looked_up(table: Angles, positions_T: Tensor) -> Angles:
    return Angles(table.cos_TK.index_select(0, positions_T), table.sin_TK.index_select(0, positions_T))


def _first_half(rotated: Rotated) -> Angles:
    """Both halves of a head turn by the same angles, so one is kept."""
    cos_T1K, sin_T1K = rotated
    half = cos_T1K.shape[-1] // 2
    return Angles(cos_T1K[:, 0, :half].contiguous(), sin_T1K[:, 0, :half].contiguous())
