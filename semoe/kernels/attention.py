"""Causal attention of packed sequences with grouped heads and sliding windows, forward.

    T packed tokens   H query heads   G key-value heads   K head size   C = (H + 2 G) K

Source: FlashAttention-2 (arXiv 2307.08691).
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.heads import LOG2_E, Heads, Sequences, Tile, dot, precision_of, shape_of, tile_of

FORWARD = Tile(64, 32, 4, 3), Tile(32, 16, 2, 2)
"""For heads of up to 64, in bfloat16 and in float32, whose three products need more registers; measured on an H200."""


@triton.jit
def _look(
    state,
    q,
    qkv_ptr,
    first,
    length,
    i,
    low,
    high,
    scale,
    window,
    KEY: tl.constexpr,
    VALUE: tl.constexpr,
    STRIDE: tl.constexpr,
    SIZE: tl.constexpr,
    PADDED: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
    MASKED: tl.constexpr,
):
    """Takes in the keys from `low` to `high`; only where it says so are there some that a query does not see."""
    top, total, out = state
    d = tl.arange(0, PADDED)
    for key in range(low, high, KEYS):
        j = key + tl.arange(0, KEYS)
        at = (first + j)[:, None] * STRIDE + d[None, :]
        there = (d < SIZE)[None, :]
        if MASKED:
            there = (j < length)[:, None] & there
        k = tl.load(qkv_ptr + KEY + at, mask=there, other=0.0)
        v = tl.load(qkv_ptr + VALUE + at, mask=there, other=0.0)
        score = dot(q, tl.trans(k), PRECISION) * scale
        if MASKED:
            seen = (i[:, None] >= j[None, :]) & (i[:, None] - j[None, :] < window)
            score = tl.where(seen, score, -1e30)
        higher = tl.maximum(top, tl.max(score, 1))
        share = tl.exp2(score - higher[:, None])
        if MASKED:
            share = tl.where(seen, share, 0.0)
        shrink = tl.exp2(top - higher)
        total = total * shrink + tl.sum(share, 1)
        out = out * shrink[:, None] + dot(share.to(v.dtype), v, PRECISION)
        top = higher
    return top, total, out


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
    SIZE: tl.constexpr,
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
        # Where keys and values lie in a row of this width.
        STRIDE: tl.constexpr = (HEADS + 2 * GROUPS) * SIZE
        K: tl.constexpr = HEADS * SIZE
        V: tl.constexpr = (HEADS + GROUPS) * SIZE
        SHARED: tl.constexpr = HEADS // GROUPS
        d = tl.arange(0, PADDED)
        row = tl.arange(0, ROWS)
        i = block * QUERIES + row % QUERIES
        head = group * SHARED + row // QUERIES
        real = (i < length) & (row // QUERIES < SHARED)
        both = real[:, None] & (d < SIZE)[None, :]
        q = tl.load(qkv_ptr + ((first + i) * STRIDE + head * SIZE)[:, None] + d[None, :], mask=both, other=0.0)
        state = (
            tl.full([ROWS], -1e30, tl.float32),
            tl.zeros([ROWS], tl.float32),
            tl.zeros([ROWS, PADDED], tl.float32),
        )
        end = tl.minimum((block + 1) * QUERIES, length)
        start = tl.maximum(0, block * QUERIES - window + 1) // KEYS * KEYS
        # From here on no query's window hides a key, and up to there none lies behind a query.
        inside = tl.minimum(tl.maximum(0, end - window + KEYS - 1) // KEYS * KEYS, end)
        diagonal = tl.maximum(block * QUERIES // KEYS * KEYS, inside)
        keys_ptr = qkv_ptr + group * SIZE
        for stretch in tl.static_range(3):
            low = (start, inside, diagonal)[stretch]
            high = (inside, diagonal, end)[stretch]
            state = _look(
                state, q, keys_ptr, first, length, i, low, high, scale, window,
                K, V, STRIDE, SIZE, PADDED, KEYS, PRECISION, stretch != 1,
            )  # fmt: skip
        top, total, out = state
        at = ((first + i) * (HEADS * SIZE) + head * SIZE)[:, None] + d[None, :]
        tl.store(out_ptr + at, (out / total[:, None]).to(out_ptr.dtype.element_ty), mask=both)
        tl.store(log_sum_ptr + head * num_tokens + first + i, top + tl.log2(total), mask=real)


def _shape(heads: Heads, tile: Tile) -> tuple[int, ...]:
    """Returns HEADS, GROUPS, SIZE, PADDED, QUERIES, ROWS and KEYS; the forward pass computes whole heads."""
    num_heads, num_groups, _, _, queries, rows, keys = shape_of(heads, tile)
    padded = max(16, triton.next_power_of_2(heads.head_size))
    return num_heads, num_groups, heads.head_size, padded, queries, rows, keys


def attention_forward(qkv_TC: Tensor, sequences: Sequences, heads: Heads, out_TC: Tensor, log_sum_HT: Tensor) -> None:
    """Fills the mixed values, [T, H K], and log2 Σ 2^score, which the backward pass needs; q and k are rotated."""
    tile = tile_of(FORWARD, heads.head_size, qkv_TC.dtype)
    shape = _shape(heads, tile)
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
