"""What both passes of attention share: shapes, tiles, and halves of heads.

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


SMALL = Tile(32, 32, 4, 2)
SMALLEST = Tile(16, 16, 4, 2)
"""For larger heads."""


def tile_of(tiles: tuple[Tile, Tile], head_size: int, dtype: torch.dtype) -> Tile:
    """Returns the tile for a head size: of the two, that for bfloat16 or that for float32."""
    if head_size <= 64:
        return tiles[dtype == torch.float32]
    return SMALL if head_size <= 128 and dtype != torch.float32 else SMALLEST


@triton.jit
def half(ptr, at, real, d, HALF: tl.constexpr):
    """Loads half a head at each of some places."""
    return tl.load(ptr + at[:, None] + d[None, :], mask=real[:, None] & (d < HALF)[None, :], other=0.0)


@triton.jit
def store_half(ptr, x, at, real, d, HALF: tl.constexpr):
    """Stores half a head at each of some places."""
    tl.store(ptr + at[:, None] + d[None, :], x.to(ptr.dtype.element_ty), mask=real[:, None] & (d < HALF)[None, :])


@triton.jit
def store_unrotated(ptr, x1, x2, cos_ptr, sin_ptr, t, at, real, d, HALF: tl.constexpr):
    """Stores the gradient of what was rotated: the rotation back."""
    cos = half(cos_ptr, t * HALF, real, d, HALF)
    sin = half(sin_ptr, t * HALF, real, d, HALF)
    store_half(ptr, x1 * cos + x2 * sin, at, real, d, HALF)
    store_half(ptr + HALF, x2 * cos - x1 * sin, at, real, d, HALF)


@triton.jit
def dot(a, b, PRECISION: tl.constexpr):
    """Returns a b; float32 as `PRECISION` says."""
    return tl.dot(a, b, input_precision=PRECISION)


def shape_of(heads: Heads, tile: Tile) -> tuple[int, ...]:
    """Returns HEADS, GROUPS, HALF, PADDED, QUERIES, ROWS and KEYS."""
    half = heads.head_size // 2
    shared = triton.next_power_of_2(heads.num_heads // heads.num_groups)
    rows = max(tile.rows, shared)
    padded = max(16, triton.next_power_of_2(half))
    return heads.num_heads, heads.num_groups, half, padded, rows // shared, rows, tile.keys


def precision_of(x: Tensor) -> str:
    """Three products of tensor cores in place of one of float32: as exact but for the last bits."""
    return "tf32x3" if x.dtype == torch.float32 else "ieee"
