"""Causal attention among packed sequences.

`PackedAttention` pads sequences of similar length into one batch for the attention product alone (about 2 % of the
work); every linear layer sees the packed tokens without padding. Right padding under a causal mask needs no
further mask: no real token looks to its right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BUCKET = 16
"""Lengths are padded up to a multiple of this, so that sequences of similar length share one product."""


def positions_of(lengths: Sequence[int]) -> Tensor:
    """Returns the position of each packed token in its own sequence, [T]."""
    return torch.cat([torch.arange(n) for n in lengths]) if lengths else torch.empty(0, dtype=torch.long)


@dataclass(frozen=True)
class _Group:
    rows_BL: Tensor
    """Packed row of each padded place; padding repeats row 0 of the group's first sequence."""
    kept: Tensor
    """Flat indices of the real places in [B, L]."""
    packed: Tensor
    """Packed rows of the real places, in the order of `kept`."""


class PackedAttention:
    """Causal attention for sequences packed one behind the other; an `Attend`."""

    def __init__(self, lengths: Sequence[int], device: torch.device | None = None) -> None:
        starts = [0, *torch.tensor(lengths).cumsum(0).tolist()]
        buckets: dict[int, list[int]] = {}
        for index, length in enumerate(lengths):
            buckets.setdefault(-(-length // BUCKET) * BUCKET, []).append(index)
        self._groups = [
            _group(width, [(starts[i], lengths[i]) for i in rows], device) for width, rows in buckets.items()
        ]

    def __call__(self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor) -> Tensor:
        """Returns the mixed values, [T, H, K]."""
        parts = [self._attend(group, q_THK, k_TGK, v_TGK) for group in self._groups]
        order = torch.cat([group.packed for group in self._groups])
        return torch.cat(parts).new_empty(q_THK.shape).index_copy(0, order, torch.cat(parts))

    @staticmethod
    def _attend(group: _Group, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor) -> Tensor:
        q, k, v = (x[group.rows_BL].transpose(1, 2) for x in (q_THK, k_TGK, v_TGK))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1])
        return mixed.transpose(1, 2).flatten(0, 1)[group.kept]


def _group(width: int, spans: list[tuple[int, int]], device: torch.device | None) -> _Group:
    rows = torch.full((len(spans), width), spans[0][0])
    for row, (start, length) in zip(rows, spans, strict=True):
        row[:length] = torch.arange(start, start + length)
    lengths = torch.tensor([length for _, length in spans])
    kept = (torch.arange(width)[None, :] < lengths[:, None]).flatten().nonzero()[:, 0]
    return _Group(rows.to(device), kept.to(device), rows.flatten()[kept].to(device))
