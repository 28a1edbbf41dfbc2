"""Serving, one token a row: act(gate + Σ B_g u) · (up + Σ B_u u), summed over the experts of each row's slot.

    B rows   I inner size   R rank   Q = 2 R   P blocks of columns   S slots   K experts a slot

One program computes one block of columns of one row: it reads the numbers of the row's experts once, which is most of
what a decode step of many rows reads beside the cache.
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.gated import activated
from semoe.kernels.loaded import Loaded, expert_at

COLUMNS = 1024
CHUNK = 4
"""Rows of A that are multiplied at once."""


@triton.jit(do_not_specialize=["num_tokens"])
def _gated_rows(
    gate_up_ptr,
    u_ptr,
    b_ptr,
    a_ptr,
    act_ptr,
    partial_ptr,
    slot_ptr,
    places_ptr,
    weights_ptr,
    counts_ptr,
    stride_n,
    num_tokens,
    INNER: tl.constexpr,
    R: tl.constexpr,
    MOST: tl.constexpr,
    GELU: tl.constexpr,
    COLUMNS: tl.constexpr,
    CHUNK: tl.constexpr,
):
    part = tl.program_id(0)
    row = tl.program_id(1).to(tl.int64)
    slot = tl.load(slot_ptr + row)
    count = tl.load(counts_ptr + slot)
    c = part * COLUMNS + tl.arange(0, COLUMNS)
    inside = c < INNER
    gate = tl.load(gate_up_ptr + row * (2 * INNER) + c, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up_ptr + row * (2 * INNER) + INNER + c, mask=inside, other=0.0).to(tl.float32)
    for k in range(count):
        b = b_ptr + expert_at(places_ptr, slot, k, stride_n, MOST)
        u = u_ptr + (row * MOST + k) * (2 * R)
        for r in tl.static_range(R):
            gate += tl.load(u + r) * tl.load(b + r * INNER + c, mask=inside, other=0.0).to(tl.float32)
            up += tl.load(u + R + r) * tl.load(b + (R + r) * INNER + c, mask=inside, other=0.0).to(tl.float32)
    act = activated(gate, GELU)[0] * up
    tl.store(act_ptr + row * INNER + c, act.to(act_ptr.dtype.element_ty), mask=inside)
    for k in range(count):
        a = a_ptr + expert_at(places_ptr, slot, k, stride_n, MOST)
        merge = tl.load(weights_ptr + slot * MOST + k)
        for first in tl.static_range(0, R, CHUNK):
            r = first + tl.arange(0, CHUNK)
            some = tl.load(a + r[:, None] * INNER + c[None, :], mask=(r < R)[:, None] & inside[None, :], other=0.0)
            dots = merge * tl.sum(some.to(tl.float32) * act[None, :], 1)
            tl.store(partial_ptr + ((part * num_tokens + row) * MOST + k) * R + r, dots, mask=r < R)


def num_row_parts(inner_size: int) -> int:
    """Returns P."""
    return int(triton.cdiv(inner_size, COLUMNS))


def gated_rows(
    gate_up_BI: Tensor,
    u_BKQ: Tensor,
    b_MQI: Tensor,
    a_MRI: Tensor,
    slots_B: Tensor,
    loaded: Loaded,
    hidden_act: str,
    act_BI: Tensor,
    partial_PBKR: Tensor,
) -> None:
    """Fills `act_BI` and `partial_PBKR`.

    Args:
        gate_up_BI: the base model's gate and up, side by side, [B, 2 I].
        u_BKQ: weight · A·h of gate's and up's experts.
        b_MQI: B of gate and up of all experts of the pool, transposed.
        a_MRI: A of `down_proj` of all experts of the pool.
        slots_B: the rows' slots.
        loaded: the slots' experts.
        hidden_act: `silu`, or `gelu` by its tanh approximation.
        act_BI: what is filled: the activation.
        partial_PBKR: what is filled: weight · A·act, for each block of columns apart.
    """
    rank, inner = a_MRI.shape[1:]
    _gated_rows[(num_row_parts(inner), len(slots_B))](
        gate_up_BI,
        u_BKQ,
        b_MQI,
        a_MRI,
        act_BI,
        partial_PBKR,
        slots_B,
        *loaded,
        b_MQI.stride(0),
        len(slots_B),
        inner,
        rank,
        loaded.places_SK.shape[1],
        hidden_act != "silu",
        min(COLUMNS, triton.next_power_of_2(inner)),
        min(CHUNK, triton.next_power_of_2(rank)),
        num_warps=2,
    )
