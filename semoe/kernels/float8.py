"""Rows as float8 (e4m3), each with a scale of its own, for products on the tensor cores of Hopper and later.

M rows   W width
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

HIGHEST = tl.constexpr(448.0)
"""Float8's largest number."""
ROWS_AT_A_TIME = 256


@triton.jit
def _quantise(x_ptr, out_ptr, scale_ptr, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    m = tl.program_id(0).to(tl.int64)
    c = tl.arange(0, COLUMNS)
    x = tl.load(x_ptr + m * WIDTH + c, mask=c < WIDTH, other=0.0).to(tl.float32)
    scale = tl.maximum(tl.max(tl.abs(x), 0), 1e-12) / HIGHEST
    tl.store(scale_ptr + m, scale)
    tl.store(out_ptr + m * WIDTH + c, (x / scale).to(out_ptr.dtype.element_ty), mask=c < WIDTH)


def quantise_rows(x_MW: Tensor, out_MW: Tensor, scale_M: Tensor) -> None:
    """Fills out · scale ≈ x: the largest number of each row becomes float8's largest.

    Args:
        x_MW: contiguous.
        out_MW: what is filled, float8_e4m3fn.
        scale_M: what is filled, float32.
    """
    width = x_MW.shape[1]
    columns = triton.next_power_of_2(width)
    _quantise[(len(x_MW),)](x_MW, out_MW, scale_M, width, columns, num_warps=max(4, min(16, columns // 1024)))


def quantised(x_MW: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the same in room of their own: the rows, and their scales, [M]."""
    out_MW = torch.empty_like(x_MW, dtype=torch.float8_e4m3fn)
    scale_M = torch.empty(len(x_MW), dtype=torch.float32, device=x_MW.device)
    quantise_rows(x_MW, out_MW, scale_M)
    return out_MW, scale_M


def scaled_rows(weight_WM: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a matrix's columns as float8 rows, [M, W], and their scales, [1, M]; once, in plain PyTorch.

    A few rows at a time: a head in float32 would take a gigabyte.
    """
    width, count = weight_WM.shape
    rows_MW = torch.empty(count, width, dtype=torch.float8_e4m3fn, device=weight_WM.device)
    scale_1M = torch.empty(1, count, device=weight_WM.device)
    for start in range(0, count, ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        x_mW = weight_WM[:, part].T.float()
        scale_1M[0, part] = x_mW.abs().amax(1).clamp_min(1e-12) / HIGHEST.value
        rows_MW[part] = (x_mW / scale_1M[0, part, None]).to(torch.float8_e4m3fn)
    return rows_MW, scale_1M
