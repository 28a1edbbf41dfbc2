"""Serving, whole prompts: the products with all experts of a prompt's slot, on tensor cores.

    T prompt tokens   S prompts   D hidden size   I inner size   R rank   Q = 2 R   P groups of columns
    K most experts of a slot

The experts of a slot lie one below the other, as if they were one of a higher rank, padded to what tensor cores take.
"""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.gated import activated
from semoe.kernels.heads import dot, precision_of
from semoe.kernels.loaded import Loaded, rows_at

GROUPS = 8
"""P: enough programs for the smallest step with prompts."""
STAGES = 3


class Prompts(NamedTuple):
    """Where the packed prompts lie."""

    first_S: Tensor
    end_S: Tensor
    """The row after the last."""
    slot_S: Tensor
    longest: int


class Tile(NamedTuple):
    """How much one program takes at a time."""

    rows: int
    columns: int
    warps: int


def tile_of(ranks: int) -> Tile:
    """Returns the tile for so many rows of experts, padded."""
    if ranks <= 32:
        return Tile(64, 64, 4)
    return Tile(32, 32, 4) if ranks <= 128 else Tile(16, 16, 4)


def padded(num_rows: int) -> int:
    """Returns rows of experts as tensor cores take them."""
    return int(max(16, triton.next_power_of_2(num_rows)))


@triton.jit
def _project(
    h_ptr,
    u_ptr,
    a_ptr,
    first_ptr,
    end_ptr,
    slot_ptr,
    places_ptr,
    weights_ptr,
    counts_ptr,
    stride_n,
    WIDTH: tl.constexpr,
    EACH: tl.constexpr,
    MOST: tl.constexpr,
    ALL: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    STAGES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    prompt = tl.program_id(1)
    end = tl.load(end_ptr + prompt)
    first = tl.load(first_ptr + prompt) + tl.program_id(0) * ROWS
    if first < end:
        slot = tl.load(slot_ptr + prompt)
        count = tl.load(counts_ptr + slot)
        there, a_at, merge = rows_at(places_ptr, weights_ptr, slot, count, stride_n, WIDTH, MOST, EACH, ALL)
        end = tl.where(count > 0, end, first)  # without experts there is nothing to read
        t = (first + tl.arange(0, ROWS)).to(tl.int64)
        sums = tl.zeros([ROWS, ALL], tl.float32)
        for start in tl.range(0, tl.where(count > 0, WIDTH, 0), COLUMNS, num_stages=STAGES):
            c = start + tl.arange(0, COLUMNS)
            inside = (c < WIDTH)[None, :]
            h = tl.load(h_ptr + t[:, None] * WIDTH + c[None, :], mask=(t < end)[:, None] & inside, other=0.0)
            a = tl.load(a_ptr + a_at[:, None] + c[None, :], mask=there[:, None] & inside, other=0.0)
            sums += dot(h, tl.trans(a), PRECISION)
        places = u_ptr + t[:, None] * (MOST * EACH) + tl.arange(0, ALL)[None, :]
        tl.store(places, sums * merge[None, :], mask=(t < end)[:, None] & there[None, :])


@triton.jit(do_not_specialize=["num_tokens"])
def _gated_prompts(
    gate_up_ptr,
    u_ptr,
    b_ptr,
    a_ptr,
    act_ptr,
    partial_ptr,
    first_ptr,
    end_ptr,
    slot_ptr,
    places_ptr,
    weights_ptr,
    counts_ptr,
    stride_n,
    num_tokens,
    INNER: tl.constexpr,
    GROUP: tl.constexpr,
    R: tl.constexpr,
    MOST: tl.constexpr,
    ALL: tl.constexpr,
    GELU: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    STAGES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    group = tl.program_id(0)
    prompt = tl.program_id(2)
    end = tl.load(end_ptr + prompt)
    first = tl.load(first_ptr + prompt) + tl.program_id(1) * ROWS
    if first < end:
        slot = tl.load(slot_ptr + prompt)
        count = tl.load(counts_ptr + slot)
        there, a_at, merge = rows_at(places_ptr, weights_ptr, slot, count, stride_n, INNER, MOST, R, ALL)
        j = tl.arange(0, ALL)
        t = (first + tl.arange(0, ROWS)).to(tl.int64)
        real = (t < end)[:, None]
        u_at = u_ptr + t[:, None] * (MOST * 2 * R) + ((j // R) * (2 * R) + j % R)[None, :]
        u_gate = tl.load(u_at, mask=real & there[None, :], other=0.0).to(act_ptr.dtype.element_ty)
        u_up = tl.load(u_at + R, mask=real & there[None, :], other=0.0).to(act_ptr.dtype.element_ty)
        sums = tl.zeros([ROWS, ALL], tl.float32)
        for start in tl.range(0, GROUP, COLUMNS, num_stages=STAGES):
            c = group * GROUP + start + tl.arange(0, COLUMNS)
            inside = (c < INNER)[None, :]
            at = gate_up_ptr + t[:, None] * (2 * INNER) + c[None, :]
            gate = tl.load(at, mask=real & inside, other=0.0).to(tl.float32)
            up = tl.load(at + INNER, mask=real & inside, other=0.0).to(tl.float32)
            # A of down and B of gate have as many rows of an expert, so they begin at the same distance.
            b_gate = tl.load(b_ptr + a_at[:, None] + c[None, :], mask=there[:, None] & inside, other=0.0)
            b_up = tl.load(b_ptr + a_at[:, None] + R * INNER + c[None, :], mask=there[:, None] & inside, other=0.0)
            gate += dot(u_gate, b_gate, PRECISION)
            up += dot(u_up, b_up, PRECISION)
            act = (activated(gate, GELU)[0] * up).to(act_ptr.dtype.element_ty)
            tl.store(act_ptr + t[:, None] * INNER + c[None, :], act, mask=real & inside)
            a = tl.load(a_ptr + a_at[:, None] + c[None, :], mask=there[:, None] & inside, other=0.0)
            sums += dot(act, tl.trans(a), PRECISION)
        places = partial_ptr + (group * num_tokens + t[:, None]) * (MOST * R) + j[None, :]
        tl.store(places, sums * merge[None, :], mask=real & there[None, :])


def project(h_TD: Tensor, a_MQD: Tensor, prompts: Prompts, loaded: Loaded, u_TKQ: Tensor) -> None:
    """Fills weight · A·h of gate's and up's experts.

    Args:
        h_TD: what they read.
        a_MQD: A of gate and up of all experts of the pool.
        prompts: whose rows these are.
        loaded: the slots' experts.
        u_TKQ: what is filled.
    """
    each, width = a_MQD.shape[1:]
    most = loaded.places_SK.shape[1]
    tile = tile_of(padded(most * each))
    _project[(triton.cdiv(prompts.longest, tile.rows), len(prompts.first_S))](
        h_TD,
        u_TKQ,
        a_MQD,
        *prompts[:3],
        *loaded,
        a_MQD.stride(0),
        width,
        each,
        most,
        padded(most * each),
        tile.rows,
        tile.columns,
        STAGES,
        precision_of(h_TD),
        num_warps=tile.warps,
    )


def gated_prompts(
    gate_up_TI: Tensor,
    u_TKQ: Tensor,
    b_MQI: Tensor,
    a_MRI: Tensor,
    prompts: Prompts,
    loaded: Loaded,
    hidden_act: str,
    act_TI: Tensor,
    partial_PTKR: Tensor,
) -> None:
    """Fills `act_TI` and `partial_PTKR`; the arguments are those of `gated_rows`, for packed prompts."""
    rank, inner = a_MRI.shape[1:]
    most = loaded.places_SK.shape[1]
    tile = tile_of(padded(most * rank))
    group = triton.cdiv(triton.cdiv(inner, GROUPS), tile.columns) * tile.columns
    _gated_prompts[(GROUPS, triton.cdiv(prompts.longest, tile.rows), len(prompts.first_S))](
        gate_up_TI,
        u_TKQ,
        b_MQI,
        a_MRI,
        act_TI,
        partial_PTKR,
        *prompts[:3],
        *loaded,
        b_MQI.stride(0),
        len(gate_up_TI),
        inner,
        group,
        rank,
        most,
        padded(most * rank),
        hidden_act != "silu",
        tile.rows,
        tile.columns,
        STAGES,
        precision_of(gate_up_TI),
        num_warps=tile.warps,
    )
