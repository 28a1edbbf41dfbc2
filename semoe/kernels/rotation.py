"""Rotary positions, and the norm of each head before them where a family has one (Qwen 3, Gemma 3).

T packed tokens   H query heads   G key-value heads   K head size   C = (H + 2 G) K
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.heads import Angles, Heads


@triton.jit
def _rotation_forward(
    qkv_ptr,
    out_ptr,
    cos_ptr,
    sin_ptr,
    q_weight_ptr,
    k_weight_ptr,
    eps,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    NORMED: tl.constexpr,
    ALL: tl.constexpr,
    PADDED: tl.constexpr,
):
    t = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, ALL)
    d = tl.arange(0, PADDED)
    inside = (head < HEADS + GROUPS)[:, None] & (d < HALF)[None, :]
    places = t * ((HEADS + 2 * GROUPS) * 2 * HALF) + head[:, None] * (2 * HALF) + d[None, :]
    x1 = tl.load(qkv_ptr + places, mask=inside, other=0.0).to(tl.float32)
    x2 = tl.load(qkv_ptr + places + HALF, mask=inside, other=0.0).to(tl.float32)
    if NORMED:
        scale = 1.0 / tl.sqrt((tl.sum(x1 * x1, 1) + tl.sum(x2 * x2, 1)) / (2 * HALF) + eps)
        w1, w2 = _weights(q_weight_ptr, k_weight_ptr, head, d, HEADS, HALF)
        x1 = x1 * scale[:, None] * w1
        x2 = x2 * scale[:, None] * w2
    cos = tl.load(cos_ptr + t * HALF + d, mask=d < HALF, other=0.0)[None, :]
    sin = tl.load(sin_ptr + t * HALF + d, mask=d < HALF, other=0.0)[None, :]
    tl.store(out_ptr + places, (x1 * cos - x2 * sin).to(out_ptr.dtype.element_ty), mask=inside)
    tl.store(out_ptr + places + HALF, (x2 * cos + x1 * sin).to(out_ptr.dtype.element_ty), mask=inside)
    if NORMED:  # values are neither normed nor rotated, but lie in the same row
        value = tl.arange(0, ALL)
        there = (value < GROUPS)[:, None] & (d < HALF)[None, :]
        places += (HEADS + GROUPS) * (2 * HALF)
        tl.store(out_ptr + places, tl.load(qkv_ptr + places, mask=there), mask=there)
        tl.store(out_ptr + places + HALF, tl.load(qkv_ptr + places + HALF, mask=there), mask=there)


@triton.jit
def _weights(q_ptr, k_ptr, head, d, HEADS: tl.constexpr, HALF: tl.constexpr):
    """Returns the two halves of each head's norm weight, [heads, half]."""
    inside = (d < HALF)[None, :]
    is_query = (head < HEADS)[:, None]
    at = d[None, :] + 0 * head[:, None]
    w1 = tl.where(is_query, tl.load(q_ptr + at, mask=inside, other=0.0), tl.load(k_ptr + at, mask=inside, other=0.0))
    at += HALF
    w2 = tl.where(is_query, tl.load(q_ptr + at, mask=inside, other=0.0), tl.load(k_ptr + at, mask=inside, other=0.0))
    return w1, w2


@triton.jit
def _head_norm_backward(
    qkv_ptr,
    dqkv_ptr,
    q_weight_ptr,
    k_weight_ptr,
    eps,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    ALL: tl.constexpr,
    PADDED: tl.constexpr,
):
    t = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, ALL)
    d = tl.arange(0, PADDED)
    inside = (head < HEADS + GROUPS)[:, None] & (d < HALF)[None, :]
    places = t * ((HEADS + 2 * GROUPS) * 2 * HALF) + head[:, None] * (2 * HALF) + d[None, :]
    x1 = tl.load(qkv_ptr + places, mask=inside, other=0.0).to(tl.float32)
    x2 = tl.load(qkv_ptr + places + HALF, mask=inside, other=0.0).to(tl.float32)
    scale = 1.0 / tl.sqrt((tl.sum(x1 * x1, 1) + tl.sum(x2 * x2, 1)) / (2 * HALF) + eps)[:, None]
    w1, w2 = _weights(q_weight_ptr, k_weight_ptr, head, d, HEADS, HALF)
    x1 *= scale
    x2 *= scale
    d1 = tl.load(dqkv_ptr + places, mask=inside, other=0.0).to(tl.float32) * w1
    d2 = tl.load(dqkv_ptr + places + HALF, mask=inside, other=0.0).to(tl.float32) * w2
    mean = ((tl.sum(d1 * x1, 1) + tl.sum(d2 * x2, 1)) / (2 * HALF))[:, None]
    tl.store(dqkv_ptr + places, (scale * (d1 - x1 * mean)).to(dqkv_ptr.dtype.element_ty), mask=inside)
    tl.store(dqkv_ptr + places + HALF, (scale * (d2 - x2 * mean)).to(dqkv_ptr.dtype.element_ty), mask=inside)


def _shape(heads: Heads) -> dict[str, int]:
    half = heads.head_size // 2
    return {
        "HEADS": heads.num_heads,
        "GROUPS": heads.num_groups,
        "HALF": half,
        "ALL": triton.next_power_of_2(heads.num_heads + heads.num_groups),
        "PADDED": triton.next_power_of_2(half),
    }


def rotate(
    qkv_TC: Tensor, angles: Angles, heads: Heads, out_TC: Tensor, norms: tuple[Tensor, Tensor] | None, eps: float
) -> None:
    """Rotates queries and keys; norms each head before that, where `norms` are given.

    Args:
        qkv_TC: queries, keys and values side by side.
        angles: of each token.
        heads: the layer's shape.
        out_TC: what is filled; without norms it may be `qkv_TC` itself, and must be.
        norms: weights [K] of queries and of keys, float32, the 1 of a unit offset included.
        eps: of the norms.
    """
    q_weight, k_weight = norms or (angles.cos_TK, angles.cos_TK)
    _rotation_forward[(len(qkv_TC),)](
        qkv_TC, out_TC, *angles, q_weight, k_weight, eps, **_shape(heads), NORMED=norms is not None, num_warps=2
    )


def head_norm_backward(qkv_TC: Tensor, dqkv_TC: Tensor, heads: Heads, norms: tuple[Tensor, Tensor], eps: float) -> None:
    """Turns the gradient of normed queries and keys into that of raw ones, in place.

    Args:
        qkv_TC: raw, as they came out of their products.
        dqkv_TC: the gradient, the rotation turned back already.
        heads: the layer's shape.
        norms: as in `rotate`.
        eps: of the norms.
    """
    _head_norm_backward[(len(qkv_TC),)](qkv_TC, dqkv_TC, *norms, eps, **_shape(heads), num_warps=2)
