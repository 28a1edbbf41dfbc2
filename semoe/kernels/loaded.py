"""The experts that rows answer with: where each lies in the pool, and how much it counts.

    S slots, one a row that is being answered   K most experts of a slot   M numbers of an expert in the kernels' order

An expert lies in the pool once, however many rows answer with it; a row that changes its experts changes places here.
"""

from typing import NamedTuple

import triton
import triton.language as tl
from torch import Tensor


class Loaded(NamedTuple):
    """What every slot has loaded."""

    places_SK: Tensor
    """Rows of the pool, int32."""
    weights_SK: Tensor
    """Merge weight · alpha / rank, float32."""
    counts_S: Tensor
    """Experts of each slot, int32; what lies behind them counts for nothing."""


@triton.jit
def expert_at(places_ptr, slot, k, stride_n, MOST: tl.constexpr):
    """Returns where the numbers of a slot's expert begin."""
    return tl.load(places_ptr + slot * MOST + k).to(tl.int64) * stride_n


@triton.jit
def rows_at(
    places_ptr, weights_ptr, slot, count, stride_n, width, MOST: tl.constexpr, EACH: tl.constexpr, ALL: tl.constexpr
):
    """Lays the rows of a slot's experts, EACH of each, one below the other, padded to ALL.

    Returns which rows there are, where each begins in the pool, and the weight of each.
    """
    j = tl.arange(0, ALL)
    there = j < count * EACH
    place = tl.load(places_ptr + slot * MOST + j // EACH, mask=there, other=0).to(tl.int64)
    weight = tl.load(weights_ptr + slot * MOST + j // EACH, mask=there, other=0.0)
    return there, place * stride_n + (j % EACH) * width, weight
