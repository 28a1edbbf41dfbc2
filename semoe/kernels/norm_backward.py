"""The backward pass of `norm`.

T packed tokens   D hidden size   R rank   Q = 2 R   P blocks of columns of the gated activation   E experts
"""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.norm import STAGES, Blocks, num_warps


class UpGradient(NamedTuple):
    """What `Up` gives back."""

    a_EQD: Tensor
    partial_PTQ: Tensor
    """B·(dgate, dup), unscaled, in parts."""
    v_TQ: Tensor
    """Filled: scaling times the sum of the parts."""


class DownGradient(NamedTuple):
    """What `Down` needs."""

    b_ERD: Tensor
    v_TR: Tensor
    """Filled: scaling · B · the gradient of the output."""


class PostGradient(NamedTuple):
    """What `Post` kept, and where its input's gradient goes."""

    weight_D: Tensor
    y_TD: Tensor
    scale_T: Tensor
    dy_TD: Tensor
    """Filled."""


@triton.jit(do_not_specialize=["num_tokens", "num_parts"])
def _norm_backward(
    dh_ptr,
    x_ptr,
    scale_ptr,
    weight_ptr,
    dsum_ptr,
    dx_ptr,
    partial_ptr,
    v_up_ptr,
    a_ptr,
    b_ptr,
    v_down_ptr,
    post_weight_ptr,
    post_y_ptr,
    post_scale_ptr,
    dy_ptr,
    first_ptr,
    end_ptr,
    expert_ptr,
    stride_n,
    num_tokens,
    num_parts,
    scaling,
    WIDTH: tl.constexpr,
    COLUMNS: tl.constexpr,
    R: tl.constexpr,
    RANKS: tl.constexpr,
    PARTS: tl.constexpr,
    RESIDUAL: tl.constexpr,
    UP: tl.constexpr,
    DOWN: tl.constexpr,
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
        dh = tl.load(dh_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32)
        if UP:
            places = partial_ptr + (parts[:, None] * num_tokens + t) * (2 * R) + q[None, :]
            there = (parts < num_parts)[:, None] & (q < 2 * R)[None, :]
            v = scaling * tl.sum(tl.load(places, mask=there, other=0.0), 0)
            tl.store(v_up_ptr + t * (2 * R) + q, v, mask=q < 2 * R)
            dh += tl.sum(v[:, None] * a, 0)
        scale = tl.load(scale_ptr + t)
        normed = tl.load(x_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32) * scale
        dnormed = dh * weight
        dx = scale * (dnormed - normed * (tl.sum(dnormed * normed, 0) / WIDTH))
        if RESIDUAL:
            dx += tl.load(dsum_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32)
        rounded = dx.to(dx_ptr.dtype.element_ty)
        tl.store(dx_ptr + t * WIDTH + c, rounded, mask=inside)
        if POST:
            post_scale = tl.load(post_scale_ptr + t)
            normed = tl.load(post_y_ptr + t * WIDTH + c, mask=inside, other=0.0).to(tl.float32) * post_scale
            dnormed = rounded.to(tl.float32) * post_weight
            dy = post_scale * (dnormed - normed * (tl.sum(dnormed * normed, 0) / WIDTH))
            rounded = dy.to(dx_ptr.dtype.element_ty)
            tl.store(dy_ptr + t * WIDTH + c, rounded, mask=inside)
        if DOWN:
            dots = tl.sum(rounded.to(tl.float32)[None, :] * b, 1)
            tl.store(v_down_ptr + t * R + r, scaling * dots, mask=r < R)


def norm_backward(
    dh_TD: Tensor,
    x_TD: Tensor,
    scale_T: Tensor,
    weight_D: Tensor,
    blocks: Blocks,
    scaling: float,
    *,
    dx_TD: Tensor,
    dsum_TD: Tensor | None = None,
    up: UpGradient | None = None,
    down: DownGradient | None = None,
    post: PostGradient | None = None,
) -> None:
    """Fills dx, the gradient of what was normed: through the norm, and through the residual stream beside it.

    Args:
        dh_TD: gradient of the normed rows, without the experts' share.
        x_TD: what was normed.
        scale_T: 1 / rms of it.
        weight_D: of the norm.
        blocks: of rows, each of one expert.
        scaling: alpha / rank.
        dx_TD: what is filled.
        dsum_TD: gradient that comes along the residual stream.
        up: experts that read the normed rows.
        down: experts whose product is in what was added to the stream.
        post: the norm of what was added to the stream.
    """
    num_tokens, width = x_TD.shape
    rank = down.v_TR.shape[1] if down else up.v_TQ.shape[1] // 2 if up else 1
    num_parts = len(up.partial_PTQ) if up else 1
    stride_n = down.b_ERD.stride(0) if down else up.a_EQD.stride(0) if up else 0
    _norm_backward[(len(blocks.first_B),)](
        dh_TD,
        x_TD,
        scale_T,
        weight_D,
        x_TD if dsum_TD is None else dsum_TD,
        dx_TD,
        up.partial_PTQ if up else x_TD,
        up.v_TQ if up else x_TD,
        up.a_EQD if up else x_TD,
        down.b_ERD if down else x_TD,
        down.v_TR if down else x_TD,
        post.weight_D if post else x_TD,
        post.y_TD if post else x_TD,
        post.scale_T if post else x_TD,
        post.dy_TD if post else x_TD,
        *blocks,
        stride_n,
        num_tokens,
        num_parts,
        scaling,
        width,
        triton.next_power_of_2(width),
        rank,
        triton.next_power_of_2(rank),
        triton.next_power_of_2(num_parts),
        dsum_TD is not None,
        up is not None,
        down is not None,
        post is not None,
        STAGES,
        num_warps=num_warps(width, rank),
    )
