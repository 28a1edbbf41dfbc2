"""Causal attention of packed sequences, forward and backward, with grouped heads and sliding windows.

    T packed tokens   S sequences   H query heads   G key-value heads   K head size   C = (H + 2 G) K

Queries, keys and values lie side by side in each row of [T, C]. A head is computed as its two halves, each padded to a
power of two: so every even head size fits, and the backward pass can turn the rotation back in its registers. Scores
are kept in powers of two.

Source: FlashAttention-2 (arXiv 2307.08691).
"""

import math
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

LOG2_E = math.log2(math.e)
NO_WINDOW = 1 << 30


class Heads(NamedTuple):
    """The shape of an attention layer."""

    num_heads: int
    num_groups: int
    head_size: int
    scale: float
    """What scores are multiplied by."""
    window: int
    """Nearest tokens that a query sees, itself included."""


class Sequences(NamedTuple):
    """Where the packed sequences lie."""

    first_S: Tensor
    end_S: Tensor
    """The row after the last."""
    longest: int


class Angles(NamedTuple):
    """Of each token's rotation, [T, K / 2], float32."""

    cos_TK: Tensor
    sin_TK: Tensor


class Tiles(NamedTuple):
    """Rows of queries and of keys that one program takes at a time."""

    queries: int
    keys: int
    warps: int


def _tiles(head_size: int, dtype: torch.dtype) -> Tiles:
    """Measured on an H200 for heads of 64; larger ones take fewer rows, so that they fit."""
    if head_size <= 64 and dtype != torch.float32:
        return Tiles(64, 64, 4)
    return Tiles(32, 32, 4) if head_size <= 128 else Tiles(16, 16, 4)


@triton.jit
def _half(ptr, rows, real, d, stride, HALF: tl.constexpr):
    """Loads half a head of some rows."""
    return tl.load(ptr + rows[:, None] * stride + d[None, :], mask=real[:, None] & (d < HALF)[None, :], other=0.0)


@triton.jit
def _store_half(ptr, x, rows, real, d, stride, HALF: tl.constexpr):
    tl.store(
        ptr + rows[:, None] * stride + d[None, :],
        x.to(ptr.dtype.element_ty),
        mask=real[:, None] & (d < HALF)[None, :],
    )


@triton.jit
def _store_unrotated(ptr, x1, x2, cos_ptr, sin_ptr, rows, real, d, stride, HALF: tl.constexpr):
    """Stores the gradient of what was rotated: the rotation back."""
    cos = _half(cos_ptr, rows, real, d, HALF, HALF)
    sin = _half(sin_ptr, rows, real, d, HALF, HALF)
    _store_half(ptr, x1 * cos + x2 * sin, rows, real, d, stride, HALF)
    _store_half(ptr + HALF, x2 * cos - x1 * sin, rows, real, d, stride, HALF)


@triton.jit
def _dot(a, b, PRECISION: tl.constexpr):
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def _forward(
    qkv_ptr,
    out_ptr,
    log_sum_ptr,
    first_ptr,
    end_ptr,
    num_tokens,
    scale,
    window,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    PADDED: tl.constexpr,
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    head = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * QUERIES < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        d = tl.arange(0, PADDED)
        i = block * QUERIES + tl.arange(0, QUERIES)
        q_ptr = qkv_ptr + head * (2 * HALF)
        k_ptr = qkv_ptr + (HEADS + head // (HEADS // GROUPS)) * (2 * HALF)
        v_ptr = k_ptr + GROUPS * 2 * HALF
        q1 = _half(q_ptr, first + i, i < length, d, STRIDE, HALF)
        q2 = _half(q_ptr + HALF, first + i, i < length, d, STRIDE, HALF)
        top = tl.full([QUERIES], -1e30, tl.float32)
        total = tl.zeros([QUERIES], tl.float32)
        out1 = tl.zeros([QUERIES, PADDED], tl.float32)
        out2 = tl.zeros([QUERIES, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k1 = _half(k_ptr, first + j, j < length, d, STRIDE, HALF)
            k2 = _half(k_ptr + HALF, first + j, j < length, d, STRIDE, HALF)
            score = (_dot(q1, tl.trans(k1), PRECISION) + _dot(q2, tl.trans(k2), PRECISION)) * scale
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window) & (j < length)[None, :]
            score = tl.where(seen, score, -1e30)
            higher = tl.maximum(top, tl.max(score, 1))
            share = tl.where(seen, tl.exp2(score - higher[:, None]), 0.0)
            shrink = tl.exp2(top - higher)
            v1 = _half(v_ptr, first + j, j < length, d, STRIDE, HALF)
            v2 = _half(v_ptr + HALF, first + j, j < length, d, STRIDE, HALF)
            total = total * shrink + tl.sum(share, 1)
            out1 = out1 * shrink[:, None] + _dot(share.to(v1.dtype), v1, PRECISION)
            out2 = out2 * shrink[:, None] + _dot(share.to(v2.dtype), v2, PRECISION)
            top = higher
        o_ptr = out_ptr + head * (2 * HALF)
        _store_half(o_ptr, out1 / total[:, None], first + i, i < length, d, HEADS * 2 * HALF, HALF)
        _store_half(o_ptr + HALF, out2 / total[:, None], first + i, i < length, d, HEADS * 2 * HALF, HALF)
        tl.store(log_sum_ptr + head * num_tokens + first + i, top + tl.log2(total), mask=i < length)


@triton.jit
def _backward_queries(
    qkv_ptr,
    out_ptr,
    dout_ptr,
    log_sum_ptr,
    delta_ptr,
    dqkv_ptr,
    cos_ptr,
    sin_ptr,
    first_ptr,
    end_ptr,
    num_tokens,
    scale,
    window,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    PADDED: tl.constexpr,
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    head = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * QUERIES < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        OUT: tl.constexpr = HEADS * 2 * HALF
        d = tl.arange(0, PADDED)
        i = block * QUERIES + tl.arange(0, QUERIES)
        rows = first + i
        q_ptr = qkv_ptr + head * (2 * HALF)
        k_ptr = qkv_ptr + (HEADS + head // (HEADS // GROUPS)) * (2 * HALF)
        v_ptr = k_ptr + GROUPS * 2 * HALF
        q1 = _half(q_ptr, rows, i < length, d, STRIDE, HALF)
        q2 = _half(q_ptr + HALF, rows, i < length, d, STRIDE, HALF)
        at = head * (2 * HALF)
        do1 = _half(dout_ptr + at, rows, i < length, d, OUT, HALF)
        do2 = _half(dout_ptr + at + HALF, rows, i < length, d, OUT, HALF)
        o1 = _half(out_ptr + at, rows, i < length, d, OUT, HALF).to(tl.float32)
        o2 = _half(out_ptr + at + HALF, rows, i < length, d, OUT, HALF).to(tl.float32)
        delta = tl.sum(do1.to(tl.float32) * o1, 1) + tl.sum(do2.to(tl.float32) * o2, 1)
        tl.store(delta_ptr + head * num_tokens + rows, delta, mask=i < length)
        log_sum = tl.load(log_sum_ptr + head * num_tokens + rows, mask=i < length, other=0.0)
        dq1 = tl.zeros([QUERIES, PADDED], tl.float32)
        dq2 = tl.zeros([QUERIES, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k1 = _half(k_ptr, first + j, j < length, d, STRIDE, HALF)
            k2 = _half(k_ptr + HALF, first + j, j < length, d, STRIDE, HALF)
            v1 = _half(v_ptr, first + j, j < length, d, STRIDE, HALF)
            v2 = _half(v_ptr + HALF, first + j, j < length, d, STRIDE, HALF)
            score = (_dot(q1, tl.trans(k1), PRECISION) + _dot(q2, tl.trans(k2), PRECISION)) * (scale * 1.4426950408889634)
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window) & (i < length)[:, None]
            share = tl.where(seen, tl.exp2(score - log_sum[:, None]), 0.0)
            dshare = _dot(do1, tl.trans(v1), PRECISION) + _dot(do2, tl.trans(v2), PRECISION)
            dscore = (share * (dshare - delta[:, None])).to(k1.dtype)
            dq1 += _dot(dscore, k1, PRECISION)
            dq2 += _dot(dscore, k2, PRECISION)
        dq_ptr = dqkv_ptr + head * (2 * HALF)
        _store_unrotated(dq_ptr, dq1 * scale, dq2 * scale, cos_ptr, sin_ptr, rows, i < length, d, STRIDE, HALF)


@triton.jit
def _backward_keys(
    qkv_ptr,
    dout_ptr,
    log_sum_ptr,
    delta_ptr,
    dqkv_ptr,
    cos_ptr,
    sin_ptr,
    first_ptr,
    end_ptr,
    num_tokens,
    scale,
    window,
    HEADS: tl.constexpr,
    GROUPS: tl.constexpr,
    HALF: tl.constexpr,
    PADDED: tl.constexpr,
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    group = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * KEYS < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        OUT: tl.constexpr = HEADS * 2 * HALF
        SHARED: tl.constexpr = HEADS // GROUPS
        d = tl.arange(0, PADDED)
        j = block * KEYS + tl.arange(0, KEYS)
        rows = first + j
        k_at = (HEADS + group) * (2 * HALF)
        v_at = k_at + GROUPS * 2 * HALF
        k1 = _half(qkv_ptr + k_at, rows, j < length, d, STRIDE, HALF)
        k2 = _half(qkv_ptr + k_at + HALF, rows, j < length, d, STRIDE, HALF)
        v1 = _half(qkv_ptr + v_at, rows, j < length, d, STRIDE, HALF)
        v2 = _half(qkv_ptr + v_at + HALF, rows, j < length, d, STRIDE, HALF)
        dk1 = tl.zeros([KEYS, PADDED], tl.float32)
        dk2 = tl.zeros([KEYS, PADDED], tl.float32)
        dv1 = tl.zeros([KEYS, PADDED], tl.float32)
        dv2 = tl.zeros([KEYS, PADDED], tl.float32)
        low = block * KEYS // QUERIES * QUERIES
        high = tl.minimum(length, (block + 1) * KEYS + window)
        num_blocks = (high - low + QUERIES - 1) // QUERIES
        for step in range(0, num_blocks * SHARED):
            head = group * SHARED + step // num_blocks
            i = low + (step % num_blocks) * QUERIES + tl.arange(0, QUERIES)
            queries = first + i
            q1 = _half(qkv_ptr + head * (2 * HALF), queries, i < length, d, STRIDE, HALF)
            q2 = _half(qkv_ptr + head * (2 * HALF) + HALF, queries, i < length, d, STRIDE, HALF)
            do1 = _half(dout_ptr + head * (2 * HALF), queries, i < length, d, OUT, HALF)
            do2 = _half(dout_ptr + head * (2 * HALF) + HALF, queries, i < length, d, OUT, HALF)
            log_sum = tl.load(log_sum_ptr + head * num_tokens + queries, mask=i < length, other=0.0)
            delta = tl.load(delta_ptr + head * num_tokens + queries, mask=i < length, other=0.0)
            score = (_dot(k1, tl.trans(q1), PRECISION) + _dot(k2, tl.trans(q2), PRECISION)) * (scale * 1.4426950408889634)
            seen = (i[None, :] >= j[:, None]) & (i[None, :] - j[:, None] < window) & (i < length)[None, :]
            share = tl.where(seen, tl.exp2(score - log_sum[None, :]), 0.0)
            dv1 += _dot(share.to(do1.dtype), do1, PRECISION)
            dv2 += _dot(share.to(do2.dtype), do2, PRECISION)
            dshare = _dot(v1, tl.trans(do1), PRECISION) + _dot(v2, tl.trans(do2), PRECISION)
            dscore = (share * (dshare - delta[None, :])).to(q1.dtype)
            dk1 += _dot(dscore, q1, PRECISION)
            dk2 += _dot(dscore, q2, PRECISION)
        _store_unrotated(
            dqkv_ptr + k_at, dk1 * scale, dk2 * scale, cos_ptr, sin_ptr, rows, j < length, d, STRIDE, HALF
        )
        _store_half(dqkv_ptr + v_at, dv1, rows, j < length, d, STRIDE, HALF)
        _store_half(dqkv_ptr + v_at + HALF, dv2, rows, j < length, d, STRIDE, HALF)


def _shape(heads: Heads) -> tuple[int, int, int, int]:
    half = heads.head_size // 2
    return heads.num_heads, heads.num_groups, half, max(16, triton.next_power_of_2(half))


def _precision(x: Tensor) -> str:
    """Three products of tensor cores in place of one of float32: as exact but for the last bits."""
    return "tf32x3" if x.dtype == torch.float32 else "ieee"


def attention_forward(qkv_TC: Tensor, sequences: Sequences, heads: Heads, out_TC: Tensor, log_sum_HT: Tensor) -> None:
    """Fills the mixed values, [T, H K], and log2 Σ 2^score, which the backward pass needs; q and k are rotated."""
    tiles = _tiles(heads.head_size, qkv_TC.dtype)
    grid = (triton.cdiv(sequences.longest, tiles.queries), heads.num_heads, len(sequences.first_S))
    _forward[grid](
        qkv_TC,
        out_TC,
        log_sum_HT,
        sequences.first_S,
        sequences.end_S,
        len(qkv_TC),
        heads.scale * LOG2_E,
        heads.window,
        *_shape(heads),
        tiles.queries,
        tiles.keys,
        _precision(qkv_TC),
        num_warps=tiles.warps,
    )


def attention_backward(
    qkv_TC: Tensor,
    out_TC: Tensor,
    dout_TC: Tensor,
    log_sum_HT: Tensor,
    delta_HT: Tensor,
    sequences: Sequences,
    heads: Heads,
    angles: Angles,
    dqkv_TC: Tensor,
) -> None:
    """Fills the gradients of queries, keys and values as they were before the rotation.

    Args:
        qkv_TC: rotated, as the forward pass read them.
        out_TC: what it gave.
        dout_TC: gradient of that.
        log_sum_HT: what it kept.
        delta_HT: room for one float32 number a query.
        sequences: where they lie.
        heads: the layer's shape.
        angles: of the rotation.
        dqkv_TC: what is filled.
    """
    tiles = _tiles(heads.head_size, qkv_TC.dtype)
    more = (*_shape(heads), tiles.queries, tiles.keys, _precision(qkv_TC))
    where = (sequences.first_S, sequences.end_S, len(qkv_TC), heads.scale, heads.window)
    num = len(sequences.first_S)
    _backward_queries[(triton.cdiv(sequences.longest, tiles.queries), heads.num_heads, num)](
        qkv_TC, out_TC, dout_TC, log_sum_HT, delta_HT, dqkv_TC, *angles, *where, *more, num_warps=tiles.warps
    )
    _backward_keys[(triton.cdiv(sequences.longest, tiles.keys), heads.num_groups, num)](
        qkv_TC, dout_TC, log_sum_HT, delta_HT, dqkv_TC, *angles, *where, *more, num_warps=tiles.warps
    )
