"""RMSNorm with what lies round it: the residual sum, `down_proj`'s experts before it, gate's and up's A after it.

    T packed tokens   D hidden size   R rank   Q = 2 R   P blocks of columns of the gated activation
    E experts   B blocks of rows, each of one expert

A row is read once and written once, however much is done with it. A program computes a block of rows of one expert, so
that the expert's numbers are read once a block.
"""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

STAGES = 4


class Blocks(NamedTuple):
    """Blocks of rows, each of one expert."""

    first_B: Tensor
    end_B: Tensor
    """The row after the last."""
    expert_B: Tensor


class Down(NamedTuple):
    """The experts of the `down_proj` whose output enters the residual stream."""

    partial_PTR: Tensor
    """Their A·act, in parts."""
    u_TR: Tensor
    """Filled: the sum of the parts."""
    b_ERD: Tensor
    """Their B, transposed."""


class Up(NamedTuple):
    """A of the experts of gate and up, which read the normalised rows."""

    a_EQD: Tensor
    u_TQ: Tensor
    """Filled: A·h."""


class Post(NamedTuple):
    """A second norm, on what is added to the residual stream (Gemma 3)."""

    weight_D: Tensor
    y_TD: Tensor
    """Filled: its input, which the backward pass needs."""
    scale_T: Tensor
    """Filled: 1 / rms of its input."""


@triton.jit(do_not_specialize=["num_tokens", "num_parts"])
def _norm_forward(
    x_ptr,
    y_ptr,
    sum_ptr,
    h_ptr,
    scale_ptr,
    weight_ptr,
    partial_ptr,
    u_down_ptr,
    b_ptr,
    a_ptr,
    u_up_ptr,
    post_weight_ptr,
    post_y_ptr,
    post_scale_ptr,
    first_ptr,
    end_ptr,
    expert_ptr,
    stride_n,
    num_tokens,
    num_parts,
    scaling,
    eps,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    R: tl.constexpr,
    RANKS: tl.constexpr,
    PARTS: tl.constexpr,
    ADDS: tl.constexpr,
    DOWN: tl.constexpr,
    UP: tl.constexpr,
    POST: tl.constexpr,
    STAGES: tl.constexpr,
):
    block = tl.program_id(0)
    first = tl.load(first_ptr + block).to(tl.int64)
    end = tl.load(end_ptr + block).to(tl.int64)
    c = tl.arange(0, COLUMNS)
    inside = c < WIDTH
    weight = tl.load(weight_ptr + c, mask=inside, other=0.0)
    r = tl.arange(0, RANKS)
    q = tl.arange(0, 2 * RANKS)
    parts = tl.arange(0, PARTS)
    if DOWN or UP:
        expert = tl.load(expert_ptr + block).to(tl.int64) * stride_n
    if DOWN:
        b = tl.load(
            b_ptr + expert + r[:, None] * WIDTH + c[None, :], mask=(r < R)[:, None] & inside[None, :], other=0.0
        )
    if UP:
        a = tl.load(
            a_ptr + expert + q[:, None] * WIDTH + c[None, :], mask=(q < 2 * R)[:, None] & inside[None, :], other=0.0
        )
    if POST:
        post_weight = tl.load(post_weight_ptr + c, mask=inside, other=0.0)
    for t in tl.range(first, end, num_stages=STAGES):
        x = tl.load(x_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32)
        if ADDS:
            y = tl.load(y_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32)
            if DOWN:
                places = partial_ptr + (parts[:, None] * num_tokens + t) * R + r[None, :]
                there = (parts < num_parts)[:, None] & (r < R)[None, :]
                u = tl.sum(tl.load(places, mask=there, other=0.0), 0)
                tl.store(u_down_ptr + t * R + r, u, mask=r < R)
                y += scaling * tl.sum(u[:, None] * b, 0)
            if POST:
                kept = y.to(h_ptr.dtype.element_ty)
                tl.store(post_y_ptr + t * WIDTH + c, kept, mask=inside)
                y = kept.to(tl.float32)
                post_scale = 1.0 / tl.sqrt(tl.sum(y * y, 0) / WIDTH + eps)
                tl.store(post_scale_ptr + t, post_scale)
                y = y * post_scale * post_weight
            total = (x + y).to(h_ptr.dtype.element_ty)
            tl.store(sum_ptr + t * WIDTH + c, total, mask=inside)
            x = total.to(tl.float32)
        scale = 1.0 / tl.sqrt(tl.sum(x * x, 0) / WIDTH + eps)
        tl.store(scale_ptr + t, scale)
        h = x * scale * weight
        tl.store(h_ptr + t * WIDTH + c, h.to(h_ptr.dtype.element_ty), mask=inside)
        if UP:
            tl.store(u_up_ptr + t * (2 * R) + q, tl.sum(h[None, :] * a, 1), mask=q < 2 * R)


def num_warps(width: int, rank: int) -> int:
    """Enough threads that a block's experts fit their registers."""
    return int(min(16, max(4, triton.next_power_of_2(width) * triton.next_power_of_2(rank) // 1024)))


def norm_forward(
    x_TD: Tensor,
    y_TD: Tensor | None,
    weight_D: Tensor,
    eps: float,
    blocks: Blocks,
    scaling: float,
    *,
    sum_TD: Tensor,
    h_TD: Tensor,
    scale_T: Tensor,
    down: Down | None = None,
    up: Up | None = None,
    post: Post | None = None,
) -> None:
    """Fills sum = x + y, and h = rms_norm(sum); without `y_TD`, `sum_TD` stays as it is and x is normed.

    Args:
        x_TD: the residual stream.
        y_TD: what is added to it.
        weight_D: of the norm, float32, the 1 of a unit offset included.
        eps: of the norm.
        blocks: of rows, each of one expert; together all rows.
        scaling: alpha / rank.
        sum_TD: what is filled.
        h_TD: what is filled.
        scale_T: what is filled: 1 / rms of the sum.
        down: experts whose product is added to y first.
        up: experts that read h.
        post: a norm of y, before it is added.
    """
    num_tokens, width = x_TD.shape
    rank = down.u_TR.shape[1] if down else up.u_TQ.shape[1] // 2 if up else 1
    num_parts = len(down.partial_PTR) if down else 1
    stride_n = down.b_ERD.stride(0) if down else up.a_EQD.stride(0) if up else 0
    _norm_forward[(len(blocks.first_B),)](
        x_TD,
        x_TD if y_TD is None else y_TD,
        sum_TD,
        h_TD,
        scale_T,
        weight_D,
        down.partial_PTR if down else x_TD,
        down.u_TR if down else x_TD,
        down.b_ERD if down else x_TD,
        up.a_EQD if up else x_TD,
        up.u_TQ if up else x_TD,
        post.weight_D if post else x_TD,
        post.y_TD if post else x_TD,
        post.scale_T if post else x_TD,
        *blocks,
        stride_n,
        num_tokens,
        num_parts,
        scaling,
        eps,
        width,
        triton.next_power_of_2(width),
        rank,
        triton.next_power_of_2(rank),
        triton.next_power_of_2(num_parts),
        y_TD is not None,
        down is not None,
        up is not None,
        post is not None,
        STAGES,
        num_warps=num_warps(width, rank),
    )
