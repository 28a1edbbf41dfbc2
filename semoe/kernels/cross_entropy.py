"""Cross-entropy of rows of logits, which turn into their own gradient in place.

M learnt tokens   V vocabulary
"""

import triton
import triton.language as tl
from torch import Tensor

COLUMNS = 4096


@triton.jit
def _log_sum(row_ptr, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    """Returns the largest logit of a row and log Σ exp of them all, in one pass."""
    top = tl.full([COLUMNS], -1e30, tl.float32)
    total = tl.zeros([COLUMNS], tl.float32)
    for start in range(0, WIDTH, COLUMNS):
        c = start + tl.arange(0, COLUMNS)
        x = tl.load(row_ptr + c, mask=c < WIDTH, other=-1e30).to(tl.float32)
        higher = tl.maximum(top, x)
        total = total * tl.exp(top - higher) + tl.exp(x - higher)
        top = higher
    highest = tl.max(top, 0)
    return highest, highest + tl.log(tl.sum(total * tl.exp(top - highest), 0))


@triton.jit
def _cross_entropy(logits_ptr, label_ptr, weight_ptr, loss_ptr, WIDTH: tl.constexpr, COLUMNS: tl.constexpr):
    m = tl.program_id(0).to(tl.int64)
    row = logits_ptr + m * WIDTH
    label = tl.load(label_ptr + m)
    weight = tl.load(weight_ptr + m)
    _, log_sum = _log_sum(row, WIDTH, COLUMNS)
    tl.store(loss_ptr + m, weight * (log_sum - tl.load(row + label).to(tl.float32)))
    for start in range(0, WIDTH, COLUMNS):
        c = start + tl.arange(0, COLUMNS)
        x = tl.load(row + c, mask=c < WIDTH, other=-1e30).to(tl.float32)
        dlogit = weight * (tl.exp(x - log_sum) - tl.where(c == label, 1.0, 0.0))
        tl.store(row + c, dlogit.to(logits_ptr.dtype.element_ty), mask=c < WIDTH)


@triton.jit
def _cross_entropy_float8(
    logits_ptr, label_ptr, weight_ptr, loss_ptr, share_ptr, scale_ptr, WIDTH: tl.constexpr, COLUMNS: tl.constexpr
):
    m = tl.program_id(0).to(tl.int64)
    row = logits_ptr + m * WIDTH
    weight = tl.load(weight_ptr + m)
    highest, log_sum = _log_sum(row, WIDTH, COLUMNS)
    tl.store(loss_ptr + m, weight * (log_sum - tl.load(row + tl.load(label_ptr + m)).to(tl.float32)))
    tl.store(scale_ptr + m, weight * tl.exp(highest - log_sum) / 448.0)
    for start in range(0, WIDTH, COLUMNS):
        c = start + tl.arange(0, COLUMNS)
        x = tl.load(row + c, mask=c < WIDTH, other=-1e30).to(tl.float32)
        share = (448.0 * tl.exp(x - highest)).to(share_ptr.dtype.element_ty)
        tl.store(share_ptr + m * WIDTH + c, share, mask=c < WIDTH)


def _columns(width: int) -> int:
    return int(min(COLUMNS, triton.next_power_of_2(width)))


def cross_entropy(logits_MV: Tensor, labels_M: Tensor, weights_M: Tensor, losses_M: Tensor) -> None:
    """Fills losses = weight · −log softmax(logits)[label], and turns the logits into their gradient.

    Args:
        logits_MV: contiguous; afterwards weight · (softmax − one at the label).
        labels_M: whole numbers.
        weights_M: float32.
        losses_M: what is filled, float32.
    """
    width = logits_MV.shape[1]
    _cross_entropy[(len(logits_MV),)](logits_MV, labels_M, weights_M, losses_M, width, _columns(width), num_warps=8)


def cross_entropy_float8(
    logits_MV: Tensor, labels_M: Tensor, weights_M: Tensor, losses_M: Tensor, shares_MV: Tensor, scales_M: Tensor
) -> None:
    """Fills the losses, and the softmax as float8: share · scale is weight · softmax, without the label's own term.

    The largest share of a row is 448, float8's largest number, so small ones keep what precision the type has. The
    label's term, weight · the head's row of the label, is left to the caller, who can take it off exactly.

    Args:
        logits_MV: contiguous; they stay as they are.
        labels_M: whole numbers.
        weights_M: float32.
        losses_M: what is filled, float32.
        shares_MV: what is filled, float8_e4m3fn.
        scales_M: what is filled, float32.
    """
    width = logits_MV.shape[1]
    _cross_entropy_float8[(len(logits_MV),)](
        logits_MV,
        labels_M,
        weights_M,
        losses_M,
        shares_MV,
        scales_M,
        width,
        _columns(width),
        num_warps=8,
    )
