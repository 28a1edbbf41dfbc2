"""Gradients of A and B: sums over an expert's rows of a wide row times the few numbers of a rank.

T packed tokens   W width   E experts   Q rows of A, or of B transposed
"""

import triton
import triton.language as tl
from torch import Tensor

from semoe.kernels.tuples import add_weighted, load_factors, store_sums, zeros

COLUMNS = 64


@triton.jit
def _outer_sums(
    x_ptr,
    factor_ptr,
    grad_ptr,
    first_ptr,
    stride_n,
    scaling,
    WIDTH: tl.constexpr,
    Q: tl.constexpr,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
):
    part = tl.program_id(0)
    expert = tl.program_id(1).to(tl.int64)
    first = tl.load(first_ptr + expert).to(tl.int64)
    count = (tl.load(first_ptr + expert + 1) - first).to(tl.int32)
    c = part * COLUMNS + tl.arange(0, COLUMNS)
    inside = c < WIDTH
    sums = zeros(Q, ROWS, COLUMNS)
    for row in range(0, count, ROWS):
        rows = row + tl.arange(0, ROWS)
        real = rows < count
        t = first + rows
        both = real[:, None] & inside[None, :]
        x = tl.load(x_ptr + t[:, None] * WIDTH + c[None, :], mask=both, other=0.0).to(tl.float32)
        sums = add_weighted(sums, x, load_factors(factor_ptr + t * Q, real, 0, Q), Q)
    store_sums(grad_ptr + expert * stride_n, sums, c, inside, WIDTH, scaling, 0, Q)


def outer_sums(x_TW: Tensor, factors_TQ: Tensor, first_E: Tensor, scaling: float, grad_EQW: Tensor) -> None:
    """Fills grad[e, q] = scaling · Σ factor[t, q] · x[t] over the rows of expert e.

    Args:
        x_TW: the wide rows.
        factors_TQ: float32.
        first_E: first row of each expert, and behind it the row after the last, [E + 1].
        scaling: a factor on all.
        grad_EQW: what is filled; a view into the stack of gradients.
    """
    width, count = x_TW.shape[1], factors_TQ.shape[1]
    # The more sums, the fewer rows fit the registers.
    rows = min(8, max(1, 32 // triton.next_power_of_2(count)))
    grid = (triton.cdiv(width, COLUMNS), len(first_E) - 1)
    _outer_sums[grid](
        x_TW,
        factors_TQ,
        grad_EQW,
        first_E,
        grad_EQW.stride(0),
        scaling,
        width,
        count,
        COLUMNS,
        rows,
        num_warps=2,
    )
