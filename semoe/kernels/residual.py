"""Serving: the residual sum with `down_proj`'s experts, the norm behind it, and gate's and up's A after that.

    T rows   D hidden size   R rank   Q = 2 R   P blocks of columns of the gated activation   S slots   K experts a slot
    B blocks of rows, each of one slot

The counterpart of `norm.py`, where a row has one expert; here it has as many as its slot has loaded.
"""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.loaded import Loaded

UNROLLED = 4
"""Experts of a slot that are computed at once, so that none's numbers wait for those of the one before."""
CHUNK = 4
"""Rows of A that are multiplied at once."""
WARP_NUMBERS = 512
"""Numbers of the residual stream that 32 threads take; measured on an H200."""


class RowBlocks(NamedTuple):
    """Blocks of rows, each of one slot."""

    first_B: Tensor
    end_B: Tensor
    """The row after the last."""
    slot_B: Tensor
    rows: int
    """The most that a block has: 1, or a power of two."""


class DownParts(NamedTuple):
    """What `down_proj`'s experts add."""

    partial_PTKR: Tensor
    """Weight · A·act, in parts."""
    b_MRD: Tensor
    """B of all experts of the pool, transposed."""


class UpRows(NamedTuple):
    """A of gate's and up's experts."""

    a_MQD: Tensor
    u_TKQ: Tensor
    """Filled: weight · A·h."""


@triton.jit
def _add_down(
    y,
    k,
    count,
    slot,
    t,
    end,
    partial_ptr,
    b_ptr,
    places_ptr,
    stride_n,
    num_tokens,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    R: tl.constexpr,
    RANKS: tl.constexpr,
    PARTS: tl.constexpr,
    PADDED_PARTS: tl.constexpr,
    MOST: tl.constexpr,
):
    """Returns y with what one expert of the slot adds to it."""
    there = k < count
    b = b_ptr + tl.load(places_ptr + slot * MOST + k, mask=there, other=0).to(tl.int64) * stride_n
    part = tl.arange(0, PADDED_PARTS)
    r = tl.arange(0, RANKS)
    c = tl.arange(0, COLUMNS)
    at = (part[:, None, None] * num_tokens + t[None, :, None]).to(tl.int64) * (MOST * R) + k * R + r[None, None, :]
    summed = (part < PARTS)[:, None, None] & (t < end)[None, :, None] & (r < R)[None, None, :] & there
    u = tl.sum(tl.load(partial_ptr + at, mask=summed, other=0.0), 0)
    for rank in tl.static_range(R):
        factor = tl.sum(tl.where(r[None, :] == rank, u, 0.0), 1)
        row = tl.load(b + rank * WIDTH + c, mask=(c < WIDTH) & there, other=0.0).to(tl.float32)
        y += factor[:, None] * row[None, :]
    return y


@triton.jit
def _multiply_up(
    h,
    k,
    count,
    slot,
    a_ptr,
    u_ptr,
    places_ptr,
    weights_ptr,
    stride_n,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    R: tl.constexpr,
    MOST: tl.constexpr,
    CHUNK: tl.constexpr,
):
    """Writes weight · A·h of one expert of the slot, for the one row of h."""
    there = k < count
    c = tl.arange(0, COLUMNS)
    a = a_ptr + tl.load(places_ptr + slot * MOST + k, mask=there, other=0).to(tl.int64) * stride_n
    merge = tl.load(weights_ptr + slot * MOST + k, mask=there, other=0.0)
    for first in tl.static_range(0, 2 * R, CHUNK):
        q = first + tl.arange(0, CHUNK)
        real = (q < 2 * R) & there
        some = tl.load(a + q[:, None] * WIDTH + c[None, :], mask=real[:, None] & (c < WIDTH)[None, :], other=0.0)
        u = merge * tl.sum(some.to(tl.float32) * h, 1)
        tl.store(u_ptr + k * (2 * R) + q, u, mask=real)


@triton.jit(do_not_specialize=["num_tokens"])
def _residual_norm(
    x_ptr,
    y_ptr,
    h_ptr,
    weight_ptr,
    post_weight_ptr,
    partial_ptr,
    b_ptr,
    a_ptr,
    u_ptr,
    first_ptr,
    end_ptr,
    slot_ptr,
    places_ptr,
    weights_ptr,
    counts_ptr,
    stride_n,
    num_tokens,
    eps,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    R: tl.constexpr,
    RANKS: tl.constexpr,
    PARTS: tl.constexpr,
    PADDED_PARTS: tl.constexpr,
    MOST: tl.constexpr,
    UNROLLED: tl.constexpr,
    ROWS: tl.constexpr,
    ADDS: tl.constexpr,
    DOWN: tl.constexpr,
    UP: tl.constexpr,
    POST: tl.constexpr,
    CHUNK: tl.constexpr,
):
    block = tl.program_id(0)
    end = tl.load(end_ptr + block)
    slot = tl.load(slot_ptr + block)
    t = tl.load(first_ptr + block) + tl.arange(0, ROWS)
    c = tl.arange(0, COLUMNS)
    inside = c < WIDTH
    both = (t < end)[:, None] & inside[None, :]
    at = t[:, None].to(tl.int64) * WIDTH + c[None, :]
    count = 0
    if DOWN or UP:
        count = tl.load(counts_ptr + slot)
    x = tl.load(x_ptr + at, mask=both, other=0.0).to(tl.float32)
    if ADDS:
        y = tl.load(y_ptr + at, mask=both, other=0.0).to(tl.float32)
        if DOWN:
            for base in range(0, count, UNROLLED):
                for k in tl.static_range(UNROLLED):
                    y = _add_down(
                        y, base + k, count, slot, t, end, partial_ptr, b_ptr, places_ptr, stride_n, num_tokens,
                        WIDTH, COLUMNS, R, RANKS, PARTS, PADDED_PARTS, MOST,
                    )  # fmt: skip
        if POST:
            y = y.to(h_ptr.dtype.element_ty).to(tl.float32)
            y = y / tl.sqrt(tl.sum(y * y, 1) / WIDTH + eps)[:, None]
            y *= tl.load(post_weight_ptr + c, mask=inside, other=0.0)[None, :]
        total = (x + y).to(x_ptr.dtype.element_ty)
        tl.store(x_ptr + at, total, mask=both)
        x = total.to(tl.float32)
    h = x / tl.sqrt(tl.sum(x * x, 1) / WIDTH + eps)[:, None]
    h *= tl.load(weight_ptr + c, mask=inside, other=0.0)[None, :]
    tl.store(h_ptr + at, h.to(h_ptr.dtype.element_ty), mask=both)
    if UP:  # blocks of one row alone
        u_row = u_ptr + tl.load(first_ptr + block).to(tl.int64) * (MOST * 2 * R)
        for base in range(0, count, UNROLLED):
            for k in tl.static_range(UNROLLED):
                _multiply_up(
                    h, base + k, count, slot, a_ptr, u_row, places_ptr, weights_ptr, stride_n,
                    WIDTH, COLUMNS, R, MOST, CHUNK,
                )  # fmt: skip


def residual_norm(
    x_TD: Tensor,
    y_TD: Tensor | None,
    h_TD: Tensor,
    weight_D: Tensor,
    eps: float,
    blocks: RowBlocks,
    loaded: Loaded,
    *,
    post_D: Tensor | None = None,
    down: DownParts | None = None,
    up: UpRows | None = None,
) -> None:
    """Adds y to x in place, and fills h = rms_norm(x).

    Args:
        x_TD: the residual stream.
        y_TD: what is added; None: nothing.
        h_TD: what is filled.
        weight_D: of the norm, float32, the 1 of a unit offset included.
        eps: of the norms.
        blocks: of rows, together all of them.
        loaded: the slots' experts.
        post_D: weight of a norm of y, before it is added (Gemma 3).
        down: experts whose product is added to y first.
        up: experts that read h; for blocks of one row.
    """
    width = x_TD.shape[1]
    rank = down.b_MRD.shape[1] if down else up.a_MQD.shape[1] // 2 if up else 1
    num_parts = len(down.partial_PTKR) if down else 1
    most = loaded.places_SK.shape[1]
    _residual_norm[(len(blocks.first_B),)](
        x_TD,
        x_TD if y_TD is None else y_TD,
        h_TD,
        weight_D,
        x_TD if post_D is None else post_D,
        down.partial_PTKR if down else x_TD,
        down.b_MRD if down else x_TD,
        up.a_MQD if up else x_TD,
        up.u_TKQ if up else x_TD,
        *blocks[:3],
        *loaded,
        down.b_MRD.stride(0) if down else up.a_MQD.stride(0) if up else 0,
        len(x_TD),
        eps,
        width,
        triton.next_power_of_2(width),
        rank,
        triton.next_power_of_2(rank),
        num_parts,
        triton.next_power_of_2(num_parts),
        most,
        min(UNROLLED, most),
        blocks.rows,
        y_TD is not None,
        down is not None,
        up is not None,
        post_D is not None,
        min(CHUNK, triton.next_power_of_2(2 * rank)),
        num_warps=min(16, max(2, triton.next_power_of_2(width) * blocks.rows // WARP_NUMBERS)),
    )
