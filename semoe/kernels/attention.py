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

LOG2_E = tl.constexpr(math.log2(math.e))
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


class Tile(NamedTuple):
    """How much one program takes at a time."""

    rows: int
    """Of queries: of all heads that share keys, so many positions as fit."""
    keys: int
    warps: int
    stages: int


FORWARD = Tile(64, 32, 4, 3), Tile(32, 16, 2, 2)
BACKWARD_QUERIES = Tile(64, 32, 4, 2), Tile(16, 16, 2, 2)
BACKWARD_KEYS = Tile(64, 32, 2, 3), Tile(32, 16, 4, 2)
"""For heads of up to 64, in bfloat16 and in float32, whose three products need more registers; measured on an H200."""
SMALL = Tile(32, 32, 4, 2)
SMALLEST = Tile(16, 16, 4, 2)
"""For larger heads."""


def _tile(tiles: tuple[Tile, Tile], head_size: int, dtype: torch.dtype) -> Tile:
    if head_size <= 64:
        return tiles[dtype == torch.float32]
    return SMALL if head_size <= 128 and dtype != torch.float32 else SMALLEST


@triton.jit
def _half(ptr, at, real, d, HALF: tl.constexpr):
    """Loads half a head at each of some places."""
    return tl.load(ptr + at[:, None] + d[None, :], mask=real[:, None] & (d < HALF)[None, :], other=0.0)


@triton.jit
def _store_half(ptr, x, at, real, d, HALF: tl.constexpr):
    tl.store(
        ptr + at[:, None] + d[None, :], x.to(ptr.dtype.element_ty), mask=real[:, None] & (d < HALF)[None, :]
    )


@triton.jit
def _store_unrotated(ptr, x1, x2, cos_ptr, sin_ptr, t, at, real, d, HALF: tl.constexpr):
    """Stores the gradient of what was rotated: the rotation back."""
    cos = _half(cos_ptr, t * HALF, real, d, HALF)
    sin = _half(sin_ptr, t * HALF, real, d, HALF)
    _store_half(ptr, x1 * cos + x2 * sin, at, real, d, HALF)
    _store_half(ptr + HALF, x2 * cos - x1 * sin, at, real, d, HALF)


@triton.jit
def _dot(a, b, PRECISION: tl.constexpr):
    return tl.dot(a, b, input_precision=PRECISION)


@triton.jit(do_not_specialize=["num_tokens", "window"])
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
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    group = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * QUERIES < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        SHARED: tl.constexpr = HEADS // GROUPS
        d = tl.arange(0, PADDED)
        row = tl.arange(0, ROWS)
        i = block * QUERIES + row % QUERIES
        head = group * SHARED + row // QUERIES
        real = (i < length) & (row // QUERIES < SHARED)
        q_at = (first + i) * STRIDE + head * (2 * HALF)
        k_ptr = qkv_ptr + (HEADS + group) * (2 * HALF)
        v_ptr = k_ptr + GROUPS * 2 * HALF
        q1 = _half(qkv_ptr, q_at, real, d, HALF)
        q2 = _half(qkv_ptr + HALF, q_at, real, d, HALF)
        top = tl.full([ROWS], -1e30, tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        out1 = tl.zeros([ROWS, PADDED], tl.float32)
        out2 = tl.zeros([ROWS, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k_at = (first + j) * STRIDE
            k1 = _half(k_ptr, k_at, j < length, d, HALF)
            k2 = _half(k_ptr + HALF, k_at, j < length, d, HALF)
            score = (_dot(q1, tl.trans(k1), PRECISION) + _dot(q2, tl.trans(k2), PRECISION)) * scale
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window)
            score = tl.where(seen, score, -1e30)
            higher = tl.maximum(top, tl.max(score, 1))
            share = tl.where(seen, tl.exp2(score - higher[:, None]), 0.0)
            shrink = tl.exp2(top - higher)
            v1 = _half(v_ptr, k_at, j < length, d, HALF)
            v2 = _half(v_ptr + HALF, k_at, j < length, d, HALF)
            total = total * shrink + tl.sum(share, 1)
            out1 = out1 * shrink[:, None] + _dot(share.to(v1.dtype), v1, PRECISION)
            out2 = out2 * shrink[:, None] + _dot(share.to(v2.dtype), v2, PRECISION)
            top = higher
        at = (first + i) * (HEADS * 2 * HALF) + head * (2 * HALF)
        _store_half(out_ptr, out1 / total[:, None], at, real, d, HALF)
        _store_half(out_ptr + HALF, out2 / total[:, None], at, real, d, HALF)
        tl.store(log_sum_ptr + head * num_tokens + first + i, top + tl.log2(total), mask=real)


@triton.jit(do_not_specialize=["num_tokens", "window"])
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
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    group = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * QUERIES < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        SHARED: tl.constexpr = HEADS // GROUPS
        d = tl.arange(0, PADDED)
        row = tl.arange(0, ROWS)
        i = block * QUERIES + row % QUERIES
        head = group * SHARED + row // QUERIES
        real = (i < length) & (row // QUERIES < SHARED)
        q_at = (first + i) * STRIDE + head * (2 * HALF)
        at = (first + i) * (HEADS * 2 * HALF) + head * (2 * HALF)
        k_ptr = qkv_ptr + (HEADS + group) * (2 * HALF)
        v_ptr = k_ptr + GROUPS * 2 * HALF
        q1 = _half(qkv_ptr, q_at, real, d, HALF)
        q2 = _half(qkv_ptr + HALF, q_at, real, d, HALF)
        do1 = _half(dout_ptr, at, real, d, HALF)
        do2 = _half(dout_ptr + HALF, at, real, d, HALF)
        o1 = _half(out_ptr, at, real, d, HALF).to(tl.float32)
        o2 = _half(out_ptr + HALF, at, real, d, HALF).to(tl.float32)
        delta = tl.sum(do1.to(tl.float32) * o1, 1) + tl.sum(do2.to(tl.float32) * o2, 1)
        tl.store(delta_ptr + head * num_tokens + first + i, delta, mask=real)
        log_sum = tl.load(log_sum_ptr + head * num_tokens + first + i, mask=real, other=0.0)
        dq1 = tl.zeros([ROWS, PADDED], tl.float32)
        dq2 = tl.zeros([ROWS, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k_at = (first + j) * STRIDE
            k1 = _half(k_ptr, k_at, j < length, d, HALF)
            k2 = _half(k_ptr + HALF, k_at, j < length, d, HALF)
            v1 = _half(v_ptr, k_at, j < length, d, HALF)
            v2 = _half(v_ptr + HALF, k_at, j < length, d, HALF)
            score = (_dot(q1, tl.trans(k1), PRECISION) + _dot(q2, tl.trans(k2), PRECISION)) * (scale * LOG2_E)
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window) & real[:, None]
            share = tl.where(seen, tl.exp2(score - log_sum[:, None]), 0.0)
            dshare = _dot(do1, tl.trans(v1), PRECISION) + _dot(do2, tl.trans(v2), PRECISION)
            dscore = (share * (dshare - delta[:, None])).to(k1.dtype)
            dq1 += _dot(dscore, k1, PRECISION)
            dq2 += _dot(dscore, k2, PRECISION)
        _store_unrotated(dqkv_ptr, dq1 * scale, dq2 * scale, cos_ptr, sin_ptr, first + i, q_at, real, d, HALF)


@triton.jit(do_not_specialize=["num_tokens", "window"])
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
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    block = tl.program_id(0)
    group = tl.program_id(1)
    first = tl.load(first_ptr + tl.program_id(2)).to(tl.int64)
    length = (tl.load(end_ptr + tl.program_id(2)) - first).to(tl.int32)
    if block * KEYS < length:
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * 2 * HALF
        SHARED: tl.constexpr = HEADS // GROUPS
        d = tl.arange(0, PADDED)
        j = block * KEYS + tl.arange(0, KEYS)
        k_at = (first + j) * STRIDE + (HEADS + group) * (2 * HALF)
        v_at = k_at + GROUPS * 2 * HALF
        k1 = _half(qkv_ptr, k_at, j < length, d, HALF)
        k2 = _half(qkv_ptr + HALF, k_at, j < length, d, HALF)
        v1 = _half(qkv_ptr, v_at, j < length, d, HALF)
        v2 = _half(qkv_ptr + HALF, v_at, j < length, d, HALF)
        dk1 = tl.zeros([KEYS, PADDED], tl.float32)
        dk2 = tl.zeros([KEYS, PADDED], tl.float32)
        dv1 = tl.zeros([KEYS, PADDED], tl.float32)
        dv2 = tl.zeros([KEYS, PADDED], tl.float32)
        row = tl.arange(0, ROWS)
        head = group * SHARED + row // QUERIES
        start = block * KEYS // QUERIES * QUERIES
        for query in range(start, tl.minimum(length, (block + 1) * KEYS + window), QUERIES):
            i = query + row % QUERIES
            real = (i < length) & (row // QUERIES < SHARED)
            q_at = (first + i) * STRIDE + head * (2 * HALF)
            at = (first + i) * (HEADS * 2 * HALF) + head * (2 * HALF)
            q1 = _half(qkv_ptr, q_at, real, d, HALF)
            q2 = _half(qkv_ptr + HALF, q_at, real, d, HALF)
            do1 = _half(dout_ptr, at, real, d, HALF)
            do2 = _half(dout_ptr + HALF, at, real, d, HALF)
            log_sum = tl.load(log_sum_ptr + head * num_tokens + first + i, mask=real, other=0.0)
            delta = tl.load(delta_ptr + head * num_tokens + first + i, mask=real, other=0.0)
            score = (_dot(k1, tl.trans(q1), PRECISION) + _dot(k2, tl.trans(q2), PRECISION)) * (scale * LOG2_E)
            seen = (i[None, :] >= j[:, None]) & (i[None, :] - j[:, None] < window) & real[None, :]
            share = tl.where(seen, tl.exp2(score - log_sum[None, :]), 0.0)
            dv1 += _dot(share.to(do1.dtype), do1, PRECISION)
            dv2 += _dot(share.to(do2.dtype), do2, PRECISION)
            dshare = _dot(v1, tl.trans(do1), PRECISION) + _dot(v2, tl.trans(do2), PRECISION)
            dscore = (share * (dshare - delta[None, :])).to(q1.dtype)
            dk1 += _dot(dscore, q1, PRECISION)
            dk2 += _dot(dscore, q2, PRECISION)
        _store_unrotated(dqkv_ptr, dk1 * scale, dk2 * scale, cos_ptr, sin_ptr, first + j, k_at, j < length, d, HALF)
        _store_half(dqkv_ptr, dv1, v_at, j < length, d, HALF)
        _store_half(dqkv_ptr + HALF, dv2, v_at, j < length, d, HALF)


def _shape(heads: Heads, tile: Tile) -> tuple[int, ...]:
    """Returns HEADS, GROUPS, HALF, PADDED, QUERIES, ROWS and KEYS."""
    half = heads.head_size // 2
    shared = triton.next_power_of_2(heads.num_heads // heads.num_groups)
    rows = max(tile.rows, shared)
    padded = max(16, triton.next_power_of_2(half))
    return heads.num_heads, heads.num_groups, half, padded, rows // shared, rows, tile.keys


def _precision(x: Tensor) -> str:
    """Three products of tensor cores in place of one of float32: as exact but for the last bits."""
    return "tf32x3" if x.dtype == torch.float32 else "ieee"


def attention_forward(qkv_TC: Tensor, sequences: Sequences, heads: Heads, out_TC: Tensor, log_sum_HT: Tensor) -> None:
    """Fills the mixed values, [T, H K], and log2 Σ 2^score, which the backward pass needs; q and k are rotated."""
    tile = _tile(FORWARD, heads.head_size, qkv_TC.dtype)
    shape = _shape(heads, tile)
    _forward[(triton.cdiv(sequences.longest, shape[4]), heads.num_groups, len(sequences.first_S))](
        qkv_TC,
        out_TC,
        log_sum_HT,
        sequences.first_S,
        sequences.end_S,
        len(qkv_TC),
        heads.scale * LOG2_E.value,
        heads.window,
        *shape,
        _precision(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
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
    grid = (heads.num_groups, len(sequences.first_S))
    where = (sequences.first_S, sequences.end_S, len(qkv_TC), heads.scale, heads.window)
    tile = _tile(BACKWARD_QUERIES, heads.head_size, qkv_TC.dtype)
    shape = _shape(heads, tile)
    _backward_queries[(triton.cdiv(sequences.longest, shape[4]), *grid)](
        qkv_TC,
        out_TC,
        dout_TC,
        log_sum_HT,
        delta_HT,
        dqkv_TC,
        *angles,
        *where,
        *shape,
        _precision(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    tile = _tile(BACKWARD_KEYS, heads.head_size, qkv_TC.dtype)
    _backward_keys[(triton.cdiv(sequences.longest, tile.keys), *grid)](
        qkv_TC,
        dout_TC,
        log_sum_HT,
        delta_HT,
        dqkv_TC,
        *angles,
        *where,
        *_shape(heads, tile),
        _precision(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
