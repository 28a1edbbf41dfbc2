"""The backward pass of `attention`, with the rotation turned back at its end.

    T packed tokens   H query heads   G key-value heads   K head size   C = (H + 2 G) K

Source: FlashAttention-2 (arXiv 2307.08691). One kernel takes a block of queries and walks over the keys that they see,
the other a block of keys and walks over the queries that see them; so nothing is summed by atomics.
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.heads import (
    LOG2_E,
    Angles,
    Heads,
    Sequences,
    Tile,
    dot,
    half,
    precision_of,
    shape_of,
    store_half,
    store_unrotated,
    tile_of,
)

QUERIES = Tile(64, 32, 4, 2), Tile(16, 16, 2, 2)
KEYS = Tile(64, 32, 2, 3), Tile(32, 16, 4, 2)
"""For heads of up to 64, in bfloat16 and in float32, whose three products need more registers; measured on an H200."""


@triton.jit(do_not_specialize=["num_tokens", "window"])
def _attention_queries(
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
        q1 = half(qkv_ptr, q_at, real, d, HALF)
        q2 = half(qkv_ptr + HALF, q_at, real, d, HALF)
        do1 = half(dout_ptr, at, real, d, HALF)
        do2 = half(dout_ptr + HALF, at, real, d, HALF)
        o1 = half(out_ptr, at, real, d, HALF).to(tl.float32)
        o2 = half(out_ptr + HALF, at, real, d, HALF).to(tl.float32)
        delta = tl.sum(do1.to(tl.float32) * o1, 1) + tl.sum(do2.to(tl.float32) * o2, 1)
        tl.store(delta_ptr + head * num_tokens + first + i, delta, mask=real)
        log_sum = tl.load(log_sum_ptr + head * num_tokens + first + i, mask=real, other=0.0)
        dq1 = tl.zeros([ROWS, PADDED], tl.float32)
        dq2 = tl.zeros([ROWS, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k_at = (first + j) * STRIDE
            k1 = half(k_ptr, k_at, j < length, d, HALF)
            k2 = half(k_ptr + HALF, k_at, j < length, d, HALF)
            v1 = half(v_ptr, k_at, j < length, d, HALF)
            v2 = half(v_ptr + HALF, k_at, j < length, d, HALF)
            score = (dot(q1, tl.trans(k1), PRECISION) + dot(q2, tl.trans(k2), PRECISION)) * (scale * LOG2_E)
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window) & real[:, None]
            share = tl.where(seen, tl.exp2(score - log_sum[:, None]), 0.0)
            dshare = dot(do1, tl.trans(v1), PRECISION) + dot(do2, tl.trans(v2), PRECISION)
            dscore = (share * (dshare - delta[:, None])).to(k1.dtype)
            dq1 += dot(dscore, k1, PRECISION)
            dq2 += dot(dscore, k2, PRECISION)
        store_unrotated(dqkv_ptr, dq1 * scale, dq2 * scale, cos_ptr, sin_ptr, first + i, q_at, real, d, HALF)


@triton.jit(do_not_specialize=["num_tokens", "window"])
def _attention_keys(
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
        k1 = half(qkv_ptr, k_at, j < length, d, HALF)
        k2 = half(qkv_ptr + HALF, k_at, j < length, d, HALF)
        v1 = half(qkv_ptr, v_at, j < length, d, HALF)
        v2 = half(qkv_ptr + HALF, v_at, j < length, d, HALF)
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
            q1 = half(qkv_ptr, q_at, real, d, HALF)
            q2 = half(qkv_ptr + HALF, q_at, real, d, HALF)
            do1 = half(dout_ptr, at, real, d, HALF)
            do2 = half(dout_ptr + HALF, at, real, d, HALF)
            log_sum = tl.load(log_sum_ptr + head * num_tokens + first + i, mask=real, other=0.0)
            delta = tl.load(delta_ptr + head * num_tokens + first + i, mask=real, other=0.0)
            score = (dot(k1, tl.trans(q1), PRECISION) + dot(k2, tl.trans(q2), PRECISION)) * (scale * LOG2_E)
            seen = (i[None, :] >= j[:, None]) & (i[None, :] - j[:, None] < window) & real[None, :]
            share = tl.where(seen, tl.exp2(score - log_sum[None, :]), 0.0)
            dv1 += dot(share.to(do1.dtype), do1, PRECISION)
            dv2 += dot(share.to(do2.dtype), do2, PRECISION)
            dshare = dot(v1, tl.trans(do1), PRECISION) + dot(v2, tl.trans(do2), PRECISION)
            dscore = (share * (dshare - delta[None, :])).to(q1.dtype)
            dk1 += dot(dscore, q1, PRECISION)
            dk2 += dot(dscore, q2, PRECISION)
        store_unrotated(dqkv_ptr, dk1 * scale, dk2 * scale, cos_ptr, sin_ptr, first + j, k_at, j < length, d, HALF)
        store_half(dqkv_ptr, dv1, v_at, j < length, d, HALF)
        store_half(dqkv_ptr + HALF, dv2, v_at, j < length, d, HALF)


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
    tile = tile_of(QUERIES, heads.head_size, qkv_TC.dtype)
    shape = shape_of(heads, tile)
    _attention_queries[(triton.cdiv(sequences.longest, shape[4]), *grid)](
        qkv_TC,
        out_TC,
        dout_TC,
        log_sum_HT,
        delta_HT,
        dqkv_TC,
        *angles,
        *where,
        *shape,
        precision_of(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
    tile = tile_of(KEYS, heads.head_size, qkv_TC.dtype)
    _attention_keys[(triton.cdiv(sequences.longest, tile.keys), *grid)](
        qkv_TC,
        dout_TC,
        log_sum_HT,
        delta_HT,
        dqkv_TC,
        *angles,
        *where,
        *shape_of(heads, tile),
        precision_of(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
