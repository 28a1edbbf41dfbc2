"""Tuples of tensors, one for each rank of an expert: Triton unrolls loops over them, so each stays in registers."""

import triton
import triton.language as tl


@triton.jit
def load_rows(base_ptr, columns, mask, stride, ROWS: tl.constexpr):
    """Returns ROWS vectors, float32: row r of the matrix at `base_ptr`, at the columns given."""
    rows = ()
    for r in tl.static_range(ROWS):
        rows = rows + (tl.load(base_ptr + r * stride + columns, mask=mask, other=0.0).to(tl.float32),)
    return rows


@triton.jit
def load_factors(base_ptr, mask, FIRST: tl.constexpr, COUNT: tl.constexpr):
    """Returns COUNT vectors: numbers FIRST, FIRST + 1, … of each row that `base_ptr` points to."""
    factors = ()
    for r in tl.static_range(COUNT):
        factors = factors + (tl.load(base_ptr + FIRST + r, mask=mask, other=0.0),)
    return factors


@triton.jit
def zeros(COUNT: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Returns COUNT blocks of zeros."""
    blocks = ()
    for _ in tl.static_range(COUNT):
        blocks = blocks + (tl.zeros([ROWS, COLUMNS], tl.float32),)
    return blocks


@triton.jit
def add_products(block, factors, rows, COUNT: tl.constexpr):
    """Returns block + Σ factor ⊗ row."""
    for r in tl.static_range(COUNT):
        block += factors[r][:, None] * rows[r][None, :]
    return block


@triton.jit
def add_weighted(sums, block, factors, COUNT: tl.constexpr):
    """Returns each sum + block · its factor of each row."""
    found = ()
    for r in tl.static_range(COUNT):
        found = found + (sums[r] + block * factors[r][:, None],)
    return found


@triton.jit
def store_dots(base_ptr, block, rows, mask, FIRST: tl.constexpr, COUNT: tl.constexpr):
    """Stores Σ over columns of block · row as numbers FIRST, FIRST + 1, … of each row."""
    for r in tl.static_range(COUNT):
        tl.store(base_ptr + FIRST + r, tl.sum(block * rows[r][None, :], 1), mask=mask)


@triton.jit
def store_sums(base_ptr, sums, columns, mask, stride, factor, FIRST: tl.constexpr, COUNT: tl.constexpr):
    """Stores factor · Σ over rows of each block, as rows FIRST, FIRST + 1, … of the matrix at `base_ptr`."""
    for r in tl.static_range(COUNT):
        tl.store(base_ptr + (FIRST + r) * stride + columns, factor * tl.sum(sums[r], 0), mask=mask)
