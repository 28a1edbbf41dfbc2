"""Causal attention among packed sequences.

`PackedAttention` pads sequences of similar length into one batch for the attention product alone (about 2 % of the
work); every linear layer sees the packed tokens without padding. Right padding under a causal mask needs no
further mask: no real token looks to its right. A sliding window needs one where a sequence is longer than it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BUCKET = 16
"""Lengths are padded up to a multiple of this, so that sequences of similar length share one product."""


def positions_of(lengths: Sequence[int]) -> Tensor:
    """Returns the position of each packed token in its own sequence, [T]."""
    return torch.cat([torch.arange(n) for n in lengths]) if lengths else torch.empty(0, dtype=torch.long)


def lengths_of(lengths: Sequence[int]) -> Tensor:
    """Returns the length of each packed token's own sequence, [T]."""
    lengths_B = torch.tensor(lengths, dtype=torch.long)
    return lengths_B.repeat_interleave(lengths_B)


@dataclass(frozen=True)
class _Group:
    """Sequences of similar length, padded to one width."""

    shape: tuple[int, int]
    """B sequences of L places."""
    longest: int
    """Tokens of its longest sequence."""
    kept_N: Tensor
    """Flat places in [B, L] of the N real tokens."""
    packed_N: Tensor
    """Their packed rows, in the same order."""

    def needed(self, window: int | None) -> int | None:
        """Returns the window, or None where it holds the longest sequence: it hides nothing then."""
        return window if window is not None and self.longest > window else None


@dataclass(frozen=True)
class _Groups:
    """All sequences, each in one group. `pad` and `unpad` are each other's inverse and each other's gradient."""

    groups: tuple[_Group, ...]
    place_T: Tensor
    """Where each packed row stands among the groups' real tokens, one group behind the other."""

    def pad(self, x_THK: Tensor) -> tuple[Tensor, ...]:
        """Returns [B, H, L, K] of each group, zero where padded."""
        return tuple(_pad(x_THK, group) for group in self.groups)

    def unpad(self, parts_BHLK: Sequence[Tensor]) -> Tensor:
        """Returns the real tokens of all groups, packed, [T, H, K]."""
        rows = [
            part.transpose(1, 2).flatten(0, 1).index_select(0, group.kept_N)
            for part, group in zip(parts_BHLK, self.groups, strict=True)
        ]
        return torch.cat(rows).index_select(0, self.place_T)


class PackedAttention:
    """Causal attention for sequences packed one behind the other; an `Attend`."""

    def __init__(self, lengths: Sequence[int], device: torch.device | None = None) -> None:
        starts = [0, *torch.tensor(lengths).cumsum(0).tolist()]
        buckets: dict[int, list[tuple[int, int]]] = {}
        for start, length in zip(starts[:-1], lengths, strict=True):
            buckets.setdefault(-(-length // BUCKET) * BUCKET, []).append((start, length))
        groups = tuple(_group(width, spans, device) for width, spans in buckets.items())
        self._groups = _Groups(groups, torch.cat([group.packed_N for group in groups]).argsort())

    def __call__(
        self,
        layer: int,
        q_THK: Tensor,
        k_TGK: Tensor,
        v_TGK: Tensor,
        window: int | None = None,
        scale: float | None = None,
    ) -> Tensor:
        """Returns the mixed values, [T, H, K]."""
        q, k, v = (_Pad.apply(x, self._groups) for x in (q_THK, k_TGK, v_TGK))  # type: ignore[no-untyped-call]
        windows = (group.needed(window) for group in self._groups.groups)
        mixed = [_causal(*rows, scale) for rows in zip(q, k, v, windows, strict=True)]
        return _Unpad.apply(self._groups, *mixed)  # type: ignore[no-any-return, no-untyped-call]


def _causal(q_BHLK: Tensor, k_BGLK: Tensor, v_BGLK: Tensor, window: int | None, scale: float | None) -> Tensor:
    if q_BHLK.dtype == torch.bfloat16 and q_BHLK.device.type == "cpu":
        return by_products(q_BHLK, k_BGLK, v_BGLK, window, scale)
    grouped = q_BHLK.shape[1] != k_BGLK.shape[1]
    if window is None:
        return F.scaled_dot_product_attention(q_BHLK, k_BGLK, v_BGLK, is_causal=True, enable_gqa=grouped, scale=scale)
    seen_LL = ~hidden_places(q_BHLK.shape[2], window, q_BHLK.device)
    return F.scaled_dot_product_attention(q_BHLK, k_BGLK, v_BGLK, attn_mask=seen_LL, enable_gqa=grouped, scale=scale)


def hidden_places(length: int, window: int | None, device: torch.device) -> Tensor:
    """Returns which places a query does not see, [L, L]: those after it, and those `window` or more before it."""
    future_LL = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
    return future_LL if window is None else future_LL | torch.ones_like(future_LL).tril(-window)


def by_products(
    q_BHLK: Tensor, k_BGLK: Tensor, v_BGLK: Tensor, window: int | None = None, scale: float | None = None
) -> Tensor:
    """softmax(q k^T · scale + mask) v by plain products; in bfloat16 on a CPU faster than torch's fused kernel."""
    num_rows, num_heads, length, head_size = q_BHLK.shape
    num_groups = k_BGLK.shape[1]
    # Query heads that share a key head are stacked, so that one product serves them all; the mask is stacked likewise.
    q, k, v = (x.reshape(num_rows * num_groups, -1, head_size) for x in (q_BHLK, k_BGLK, v_BGLK))
    hidden = hidden_places(length, window, q.device).repeat(num_heads // num_groups, 1)
    scores = torch.bmm(q, k.transpose(1, 2)).mul_(scale or head_size**-0.5).masked_fill_(hidden, float("-inf"))
    return torch.bmm(scores.softmax(-1), v).view(num_rows, num_heads, length, head_size)


class _Pad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_THK: Tensor, groups: _Groups) -> tuple[Tensor, ...]:
        ctx.groups = groups
        return groups.pad(x_THK)

    @staticmethod
    def backward(ctx: Any, *dparts_BHLK: Tensor) -> tuple[Tensor, None]:
        groups: _Groups = ctx.groups
        return groups.unpad(dparts_BHLK), None


class _Unpad(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, groups: _Groups, *parts_BHLK: Tensor) -> Tensor:
        ctx.groups = groups
        return groups.unpad(parts_BHLK)

    @staticmethod
    def backward(ctx: Any, dx_THK: Tensor) -> tuple[Tensor | None, ...]:
        groups: _Groups = ctx.groups
        return None, *groups.pad(dx_THK)


def _pad(x_THK: Tensor, group: _Group) -> Tensor:
    b, length = group.shape
    rows = x_THK.new_zeros(b * length, *x_THK.shape[1:])
    rows.index_copy_(0, group.kept_N, x_THK.index_select(0, group.packed_N))
    padded_BHLK: Tensor = rows.unflatten(0, (b, length)).transpose(1, 2)
    return padded_BHLK


def _group(width: int, spans: Sequence[tuple[int, int]], device: torch.device | None) -> _Group:
    kept = [torch.arange(i * width, i * width + length) for i, (_, length) in enumerate(spans)]
    packed = [torch.arange(start, start + length) for start, length in spans]
    longest = max(length for _, length in spans)
    return _Group((len(spans), width), longest, torch.cat(kept).to(device), torch.cat(packed).to(device))
