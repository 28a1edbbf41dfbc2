"""Causal attention of packed sequences with grouped heads and sliding windows, forward.

    T packed tokens   H query heads   G key-value heads   K head size   C = (H + 2 G) K

Source: FlashAttention-2 (arXiv 2307.08691).
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.heads import LOG2_E, Heads, Sequences, Tile, dot, half, precision_of, shape_of, store_half, tile_of

FORWARD = Tile(64, 32, 4, 3), Tile(32, 16, 2, 2)
"""For heads of up to 64, in bfloat16 and in float32, whose three products need more registers; measured on an H200."""


@triton.jit(do_not_specialize=["num_tokens", "window"])
def _attention_forward(
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
        q1 = half(qkv_ptr, q_at, real, d, HALF)
        q2 = half(qkv_ptr + HALF, q_at, real, d, HALF)
        top = tl.full([ROWS], -1e30, tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        out1 = tl.zeros([ROWS, PADDED], tl.float32)
        out2 = tl.zeros([ROWS, PADDED], tl.float32)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        for key in range(start, tl.minimum((block + 1) * QUERIES, length), KEYS):
            j = key + tl.arange(0, KEYS)
            k_at = (first + j) * STRIDE
            k1 = half(k_ptr, k_at, j < length, d, HALF)
            k2 = half(k_ptr + HALF, k_at, j < length, d, HALF)
            score = (dot(q1, tl.trans(k1), PRECISION) + dot(q2, tl.trans(k2), PRECISION)) * scale
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window)
            score = tl.where(seen, score, -1e30)
            higher = tl.maximum(top, tl.max(score, 1))
            share = tl.where(seen, tl.exp2(score - higher[:, None]), 0.0)
            shrink = tl.exp2(top - higher)
            v1 = half(v_ptr, k_at, j < length, d, HALF)
            v2 = half(v_ptr + HALF, k_at, j < length, d, HALF)
            total = total * shrink + tl.sum(share, 1)
            out1 = out1 * shrink[:, None] + dot(share.to(v1.dtype), v1, PRECISION)
            out2 = out2 * shrink[:, None] + dot(share.to(v2.dtype), v2, PRECISION)
            top = higher
        at = (first + i) * (HEADS * 2 * HALF) + head * (2 * HALF)
        store_half(out_ptr, out1 / total[:, None], at, real, d, HALF)
        store_half(out_ptr + HALF, out2 / total[:, None], at, real, d, HALF)
        tl.store(log_sum_ptr + head * num_tokens + first + i, top + tl.log2(total), mask=real)


def attention_forward(qkv_TC: Tensor, sequences: Sequences, heads: Heads, out_TC: Tensor, log_sum_HT: Tensor) -> None:
    """Fills the mixed values, [T, H K], and log2 Σ 2^score, which the backward pass needs; q and k are rotated."""
    tile = tile_of(FORWARD, heads.head_size, qkv_TC.dtype)
    shape = shape_of(heads, tile)
    _attention_forward[(triton.cdiv(sequences.longest, shape[4]), heads.num_groups, len(sequences.first_S))](
        qkv_TC,
        out_TC,
        log_sum_HT,
        sequences.first_S,
        sequences.end_S,
        len(qkv_TC),
        heads.scale * LOG2_E.value,
        heads.window,
        *shape,
        precision_of(qkv_TC),
        num_warps=tile.warps,
        num_stages=tile.stages,
    )
