"""Serving: the key-value cache in pages, and attention of one query a row over it.

    T rows   B rows that go on by a token   S slots   H query heads   G key-value heads   K head size   C = (H + 2 G) K
    N pages of PAGE places   L pages of the longest slot

A slot's places lie in whatever pages were free; `table_SL` says which. So a row takes as much memory as it is long.

Source: PagedAttention (arXiv 2309.06180); FlashAttention-2 (arXiv 2307.08691).
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.heads import LOG2_E, Heads, dot, precision_of

PAGE = 64
"""Places of a page."""


class Pages(NamedTuple):
    """Keys and values of one layer, and where each slot's are."""

    keys_NGPK: Tensor
    values_NGPK: Tensor
    table_SL: Tensor
    """Pages of each slot, int32."""


@triton.jit
def _store(
    qkv_ptr,
    keys_ptr,
    values_ptr,
    table_ptr,
    slot_ptr,
    position_ptr,
    num_pages,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    SIZE: tl.constexpr,
    PAGE: tl.constexpr,
    ALL: tl.constexpr,
    PADDED: tl.constexpr,
):
    t = tl.program_id(0).to(tl.int64)
    position = tl.load(position_ptr + t)
    page = tl.load(table_ptr + tl.load(slot_ptr + t) * num_pages + position // PAGE).to(tl.int64)
    g = tl.arange(0, ALL)
    d = tl.arange(0, PADDED)
    inside = (g < GROUPS)[:, None] & (d < SIZE)[None, :]
    k_at = qkv_ptr + t * ((HEADS + 2 * GROUPS) * SIZE) + (HEADS + g)[:, None] * SIZE + d[None, :]
    to = ((page * GROUPS + g)[:, None] * PAGE + position % PAGE) * SIZE + d[None, :]
    tl.store(keys_ptr + to, tl.load(k_at, mask=inside, other=0.0), mask=inside)
    tl.store(values_ptr + to, tl.load(k_at + GROUPS * SIZE, mask=inside, other=0.0), mask=inside)


@triton.jit
def _attend(
    qkv_ptr,
    out_ptr,
    keys_ptr,
    values_ptr,
    table_ptr,
    slot_ptr,
    position_ptr,
    num_pages,
    scale,
    window,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PAGE: tl.constexpr,
    PRECISION: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    group = tl.program_id(1)
    SHARED: tl.constexpr = HEADS // GROUPS
    position = tl.load(position_ptr + row)
    pages = table_ptr + tl.load(slot_ptr + row) * num_pages
    d = tl.arange(0, PADDED)
    whole = (d < SIZE)[None, :]
    i = tl.arange(0, ROWS)
    head = (group * SHARED + i)[:, None] * SIZE + d[None, :]
    real = (i < SHARED)[:, None] & whole
    q = tl.load(qkv_ptr + row * ((HEADS + 2 * GROUPS) * SIZE) + head, mask=real, other=0.0)
    top = tl.full([ROWS], -1e30, tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    out = tl.zeros([ROWS, PADDED], tl.float32)
    for key in range(tl.maximum(0, position - window + 1) // KEYS * KEYS, position + 1, KEYS):
        j = key + tl.arange(0, KEYS)
        seen = (j <= position) & (position - j < window)
        page = tl.load(pages + key // PAGE).to(tl.int64)
        at = ((page * GROUPS + group) * PAGE + j % PAGE)[:, None] * SIZE + d[None, :]
        k = tl.load(keys_ptr + at, mask=seen[:, None] & whole, other=0.0)
        v = tl.load(values_ptr + at, mask=seen[:, None] & whole, other=0.0)
        score = tl.where(seen[None, :], dot(q, tl.trans(k), PRECISION) * scale, -1e30)
        higher = tl.maximum(top, tl.max(score, 1))
        share = tl.where(seen[None, :], tl.exp2(score - higher[:, None]), 0.0)
        shrink = tl.exp2(top - higher)
        total = total * shrink + tl.sum(share, 1)
        out = out * shrink[:, None] + dot(share.to(v.dtype), v, PRECISION)
        top = higher
    out /= total[:, None]
    tl.store(out_ptr + row * (HEADS * SIZE) + head, out.to(out_ptr.dtype.element_ty), mask=real)


def store_in_pages(qkv_TC: Tensor, pages: Pages, heads: Heads, slots_T: Tensor, positions_T: Tensor) -> None:
    """Stores each row's keys and values.

    Args:
        qkv_TC: queries, keys and values side by side, rotated.
        pages: what is filled.
        heads: the layer's shape.
        slots_T: of each row.
        positions_T: of each row in its slot, int32; a page must be there for it.
    """
    _store[(len(qkv_TC),)](
        qkv_TC,
        *pages,
        slots_T,
        positions_T,
        pages.table_SL.shape[1],
        heads.num_heads,
        heads.num_groups,
        heads.head_size,
        PAGE,
        triton.next_power_of_2(heads.num_groups),
        triton.next_power_of_2(heads.head_size),
        num_warps=2,
    )


def attend_to_pages(
    qkv_BC: Tensor, pages: Pages, heads: Heads, slots_B: Tensor, positions_B: Tensor, mixed_BA: Tensor
) -> None:
    """Fills the mixed values, [B, H K], of one query a row, whose own key and value are in the pages already.

    Args:
        qkv_BC: rotated.
        pages: the cache.
        heads: the layer's shape.
        slots_B: of each row.
        positions_B: the place of each query in its slot, int32.
        mixed_BA: what is filled.
    """
    size = max(16, triton.next_power_of_2(heads.head_size))  # tensor cores take no less
    # Registers hold a block of keys and one of values, float32 products take three times as many.
    keys = max(16, min(PAGE, (4096 if qkv_BC.dtype == torch.float32 else 8192) // size))
    _attend[(len(qkv_BC), heads.num_groups)](
        qkv_BC,
        mixed_BA,
        *pages,
        slots_B,
        positions_B,
        pages.table_SL.shape[1],
        heads.scale * LOG2_E.value,
        heads.window,
        heads.num_heads,
        heads.num_groups,
        heads.head_size,
        size,
        max(16, triton.next_power_of_2(heads.num_heads // heads.num_groups)),
        keys,
        PAGE,
        precision_of(qkv_BC),
        num_warps=2,
        num_stages=3,
    )
