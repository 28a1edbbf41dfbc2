"""AdamW for a stack of experts: one elementwise update for all of them.

Elementwise, so each expert gets exactly what `torch.optim.AdamW` would give it alone, as long as all have taken the
same number of steps. The trainer keeps that true: experts with fewer steps stand last and drop out of the prefix.
"""

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPS = 1e-8


class StackedAdamW:
    """torch's AdamW with its default betas and eps (Loshchilov and Hutter, arXiv 1711.05101)."""

    def __init__(self, stack_EN: Tensor, learning_rate: float, weight_decay: float) -> None:
        self._stack_EN = stack_EN
        self._mean_EN = torch.zeros_like(stack_EN)
        self._square_EN = torch.zeros_like(stack_EN)
        self._learning_rate = learning_rate
        self._weight_decay = weight_decay
        self._steps = 0

    def step(self, grads_EN: Tensor) -> None:
        """Updates the first `len(grads_EN)` experts."""
        beta1, beta2 = BETAS
        self._steps += 1
        num_learning = len(grads_EN)
        stack = self._stack_EN[:num_learning]
        mean = self._mean_EN[:num_learning]
        square = self._square_EN[:num_learning]
        # torch's own operations in torch's order, so that each number is rounded as there.
        stack.mul_(1 - self._learning_rate * self._weight_decay)
        mean.lerp_(grads_EN, 1 - beta1)
        square.mul_(beta2).addcmul_(grads_EN, grads_EN, value=1 - beta2)
        root = (square.sqrt() / (1 - beta2**self._steps) ** 0.5).add_(EPS)
        stack.addcdiv_(mean, root, value=-self._learning_rate / (1 - beta1**self._steps))
