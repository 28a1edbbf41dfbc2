"""The gated activation with the experts' products before and after it: act(gate + s·B_g u) · (up + s·B_u u).

    T packed tokens   E experts   R rank   Q = 2 R (gate's rows, then up's)   I inner size   P blocks of columns

One program computes one block of columns for all rows of one expert, so sums over an expert's rows need no atomics and
come out the same every time. What `down_proj`'s expert needs of the activation, A·act, leaves as partial sums of each
block of columns.
"""

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.tuples import (
    add_products,
    add_weighted,
    load_factors,
    load_rows,
    store_dots,
    store_sums,
    zeros,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """How much one program holds at a time."""

    columns: int
    rows: int
    warps: int
    stages: int


FORWARD = {2: Tile(128, 8, 2, 3), 4: Tile(128, 4, 2, 3), 8: Tile(128, 2, 2, 3), 16: Tile(128, 1, 2, 3)}
BACKWARD = {2: Tile(512, 1, 1, 3), 4: Tile(256, 1, 1, 3), 8: Tile(128, 1, 1, 3), 16: Tile(64, 1, 1, 3)}
"""By rank: the higher it is, the fewer columns fit a program's registers. Measured on an H200."""
NARROW = 2048
"""Inner sizes up to this give too few programs at wide tiles."""


def tile_of(tiles: dict[int, Tile], rank: int, inner_size: int) -> Tile:
    """Returns the tile of a rank, or of the next higher one."""
    tile = tiles[min((known for known in tiles if known >= rank), default=max(tiles))]
    if inner_size <= NARROW and tile.columns > 128:
        return Tile(128, 2 if tile.columns == 512 else 1, 1, 3)
    return tile


def num_partials(tiles: dict[int, Tile], rank: int, inner_size: int) -> int:
    """Returns P, the blocks of columns."""
    return int(triton.cdiv(inner_size, tile_of(tiles, rank, inner_size).columns))


@triton.jit
def activated(gate, GELU: tl.constexpr):
    """Returns the activation and its derivative."""
    if GELU:
        cubic = 0.7978845608028654 * (gate + 0.044715 * gate * gate * gate)
        tanh = 2 * tl.sigmoid(2 * cubic) - 1
        half = 0.5 * (1 + tanh)
        slope = half + 0.5 * gate * (1 - tanh * tanh) * 0.7978845608028654 * (1 + 0.134145 * gate * gate)
        return gate * half, slope
    share = tl.sigmoid(gate)
    swish = gate * share
    return swish, share + swish - swish * share


@triton.jit(do_not_specialize=["num_tokens"])
def _gated_forward(
    gate_up_ptr,
    u_ptr,
    b_ptr,
    a_ptr,
    act_ptr,
    partial_ptr,
    first_ptr,
    stride_n,
    num_tokens,
    scaling,
    INNER: tl.constexpr,
    R: tl.constexpr,
    GELU: tl.constexpr,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
    STAGES: tl.constexpr,
):
    part = tl.program_id(0)
    expert = tl.program_id(1).to(tl.int64)
    first = tl.load(first_ptr + expert).to(tl.int64)
    count = (tl.load(first_ptr + expert + 1) - first).to(tl.int32)
    c = part * COLUMNS + tl.arange(0, COLUMNS)
    inside = c < INNER
    b_gate = load_rows(b_ptr + expert * stride_n, c, inside, INNER, R)
    b_up = load_rows(b_ptr + expert * stride_n + R * INNER, c, inside, INNER, R)
    a_down = load_rows(a_ptr + expert * stride_n, c, inside, INNER, R)
    for row in tl.range(0, count, ROWS, num_stages=STAGES):
        rows = row + tl.arange(0, ROWS)
        real = rows < count
        t = first + rows
        both = real[:, None] & inside[None, :]
        places = gate_up_ptr + t[:, None] * (2 * INNER) + c[None, :]
        gate = tl.load(places, mask=both, other=0.0).to(tl.float32)
        up = tl.load(places + INNER, mask=both, other=0.0).to(tl.float32)
        u = u_ptr + t * (2 * R)
        gate += scaling * add_products(tl.zeros_like(gate), load_factors(u, real, 0, R), b_gate, R)
        up += scaling * add_products(tl.zeros_like(up), load_factors(u, real, R, R), b_up, R)
        swish, _ = activated(gate, GELU)
        act = swish * up
        tl.store(act_ptr + t[:, None] * INNER + c[None, :], act.to(act_ptr.dtype.element_ty), mask=both)
        store_dots(partial_ptr + (part * num_tokens + t) * R, act, a_down, real, 0, R)


@triton.jit(do_not_specialize=["num_tokens"])
def _gated_backward(
    gate_up_ptr,
    dact_ptr,
    u_ptr,
    v_ptr,
    b_ptr,
    a_ptr,
    grad_b_ptr,
    grad_a_ptr,
    partial_ptr,
    first_ptr,
    stride_n,
    num_tokens,
    scaling,
    INNER: tl.constexpr,
    R: tl.constexpr,
    GELU: tl.constexpr,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
    STAGES: tl.constexpr,
):
    part = tl.program_id(0)
    expert = tl.program_id(1).to(tl.int64)
    first = tl.load(first_ptr + expert).to(tl.int64)
    count = (tl.load(first_ptr + expert + 1) - first).to(tl.int32)
    c = part * COLUMNS + tl.arange(0, COLUMNS)
    inside = c < INNER
    b_gate = load_rows(b_ptr + expert * stride_n, c, inside, INNER, R)
    b_up = load_rows(b_ptr + expert * stride_n + R * INNER, c, inside, INNER, R)
    a_down = load_rows(a_ptr + expert * stride_n, c, inside, INNER, R)
    grad_gate = zeros(R, ROWS, COLUMNS)
    grad_up = zeros(R, ROWS, COLUMNS)
    grad_down = zeros(R, ROWS, COLUMNS)
    for row in tl.range(0, count, ROWS, num_stages=STAGES):
        rows = row + tl.arange(0, ROWS)
        real = rows < count
        t = first + rows
        both = real[:, None] & inside[None, :]
        places = gate_up_ptr + t[:, None] * (2 * INNER) + c[None, :]
        gate = tl.load(places, mask=both, other=0.0).to(tl.float32)
        up = tl.load(places + INNER, mask=both, other=0.0).to(tl.float32)
        dact = tl.load(dact_ptr + t[:, None] * INNER + c[None, :], mask=both, other=0.0).to(tl.float32)
        u_gate = load_factors(u_ptr + t * (2 * R), real, 0, R)
        u_up = load_factors(u_ptr + t * (2 * R), real, R, R)
        v = load_factors(v_ptr + t * R, real, 0, R)
        gate += scaling * add_products(tl.zeros_like(gate), u_gate, b_gate, R)
        up += scaling * add_products(tl.zeros_like(up), u_up, b_up, R)
        dact = add_products(dact, v, a_down, R)
        swish, slope = activated(gate, GELU)
        dgate = dact * up * slope
        dup = dact * swish
        tl.store(places, dgate.to(gate_up_ptr.dtype.element_ty), mask=both)
        tl.store(places + INNER, dup.to(gate_up_ptr.dtype.element_ty), mask=both)
        grad_gate = add_weighted(grad_gate, dgate, u_gate, R)
        grad_up = add_weighted(grad_up, dup, u_up, R)
        grad_down = add_weighted(grad_down, swish * up, v, R)
        partial = partial_ptr + (part * num_tokens + t) * (2 * R)
        store_dots(partial, dgate, b_gate, real, 0, R)
        store_dots(partial, dup, b_up, real, R, R)
    store_sums(grad_b_ptr + expert * stride_n, grad_gate, c, inside, INNER, scaling, 0, R)
    store_sums(grad_b_ptr + expert * stride_n, grad_up, c, inside, INNER, scaling, R, R)
    store_sums(grad_a_ptr + expert * stride_n, grad_down, c, inside, INNER, 1.0, 0, R)


def gated_forward(
    gate_up_TI: Tensor,
    u_TQ: Tensor,
    b_EQI: Tensor,
    a_ERI: Tensor,
    first_E: Tensor,
    scaling: float,
    hidden_act: str,
    act_TI: Tensor,
    partial_PTR: Tensor,
) -> None:
    """Fills `act_TI` and `partial_PTR`.

    Args:
        gate_up_TI: the base model's gate and up, side by side, [T, 2 I].
        u_TQ: A·x of gate's and up's experts.
        b_EQI: their B, transposed; a view into the stack of experts.
        a_ERI: A of `down_proj`'s experts; likewise.
        first_E: first row of each expert, and behind it the row after the last, [E + 1].
        scaling: alpha / rank.
        hidden_act: `silu`, or `gelu` by its tanh approximation.
        act_TI: what is filled: the activation.
        partial_PTR: what is filled: A·act, for each block of columns apart.
    """
    rank, inner = a_ERI.shape[1:]
    tile = tile_of(FORWARD, rank, inner)
    grid = (triton.cdiv(inner, tile.columns), len(first_E) - 1)
    _gated_forward[grid](
        gate_up_TI,
        u_TQ,
        b_EQI,
        a_ERI,
        act_TI,
        partial_PTR,
        first_E,
        b_EQI.stride(0),
        len(act_TI),
        scaling,
        inner,
        rank,
        hidden_act != "silu",
        tile.columns,
        tile.rows,
        tile.stages,
        num_warps=tile.warps,
    )


def gated_backward(
    gate_up_TI: Tensor,
    dact_TI: Tensor,
    u_TQ: Tensor,
    v_TR: Tensor,
    b_EQI: Tensor,
    a_ERI: Tensor,
    first_E: Tensor,
    scaling: float,
    hidden_act: str,
    grad_b_EQI: Tensor,
    grad_a_ERI: Tensor,
    partial_PTQ: Tensor,
) -> None:
    """Turns gate and up into their gradients in place, and fills the experts' gradients.

    Args:
        gate_up_TI: as in `gated_forward`; afterwards the gradients.
        dact_TI: gradient of the activation through the base model's `down_proj`.
        u_TQ: as in `gated_forward`.
        v_TR: scaling · B of `down_proj`'s expert · the gradient of its output.
        b_EQI: as in `gated_forward`.
        a_ERI: as in `gated_forward`.
        first_E: as in `gated_forward`.
        scaling: alpha / rank.
        hidden_act: as in `gated_forward`.
        grad_b_EQI: what is filled: the gradient of `b_EQI`.
        grad_a_ERI: what is filled: the gradient of `a_ERI`.
        partial_PTQ: what is filled: B·(dgate, dup), unscaled, for each block of columns apart.
    """
    rank, inner = a_ERI.shape[1:]
    tile = tile_of(BACKWARD, rank, inner)
    grid = (triton.cdiv(inner, tile.columns), len(first_E) - 1)
    _gated_backward[grid](
        gate_up_TI,
        dact_TI,
        u_TQ,
        v_TR,
        b_EQI,
        a_ERI,
        grad_b_EQI,
        grad_a_ERI,
        partial_PTQ,
        first_E,
        b_EQI.stride(0),
        len(dact_TI),
        scaling,
        inner,
        rank,
        hidden_act != "silu",
        tile.columns,
        tile.rows,
        tile.stages,
        num_warps=tile.warps,
    )
