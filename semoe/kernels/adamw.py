"""AdamW in one pass over memory; the arithmetic is that of `semoe.experts.adamw`, which is its twin.

N numbers, of any number of experts
"""

import triton
import triton.language as tl
from torch import Tensor

COLUMNS = 1024


@triton.jit
def _adamw_step(
    value_ptr, grad_ptr, mean_ptr, square_ptr, count, decay, rate, root, beta1, beta2, eps, COLUMNS: tl.constexpr
):
    i = tl.program_id(0).to(tl.int64) * COLUMNS + tl.arange(0, COLUMNS)
    inside = i < count
    grad = tl.load(grad_ptr + i, mask=inside)
    mean = tl.load(mean_ptr + i, mask=inside)
    square = tl.load(square_ptr + i, mask=inside)
    mean = mean + (1.0 - beta1) * (grad - mean)
    square = beta2 * square + (1.0 - beta2) * grad * grad
    value = tl.load(value_ptr + i, mask=inside) * decay - rate * mean / (tl.sqrt(square) / root + eps)
    tl.store(value_ptr + i, value, mask=inside)
    tl.store(mean_ptr + i, mean, mask=inside)
    tl.store(square_ptr + i, square, mask=inside)


def adamw(
    value_N: Tensor, grad_N: Tensor, mean_N: Tensor, square_N: Tensor, *, decay: float, rate: float, root: float,
    betas: tuple[float, float], eps: float,
) -> None:  # fmt: skip
    """Takes one step in place: value · decay − rate · mean / (√square / root + eps), after both moments moved on.

    Args:
        value_N: what is learnt, float32 and contiguous, like all four.
        grad_N: its gradient.
        mean_N: first moment.
        square_N: second moment.
        decay: 1 − learning rate · weight decay.
        rate: learning rate / (1 − beta1^steps).
        root: √(1 − beta2^steps).
        betas: of the moments.
        eps: keeps the quotient finite.
    """
    count = value_N.numel()
    _adamw_step[(triton.cdiv(count, COLUMNS),)](
        value_N, grad_N, mean_N, square_N, count, decay, rate, root, *betas, eps, COLUMNS, num_warps=4
    )
