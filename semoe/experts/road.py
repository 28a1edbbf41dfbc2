"""The roads that training can take: what a batch of experts learns by.

    E experts   N numbers of one expert

`autograd.py` runs everywhere and is the reference; `fused/` is the GPU's.
"""

from typing import Protocol

from torch import Tensor

from semoe.experts.packing import PackedStep


class Stack(Protocol):
    """Some experts that learn at the same time, those with most steps first."""

    def step(self, packed: PackedStep) -> Tensor:
        """Takes one optimiser step of the first experts; returns their losses before it, on the device, [E]."""
        ...

    def experts(self) -> Tensor:
        """Returns all experts as they are now, on the device, [E, N]."""
        ...


class Road(Protocol):
    """Makes stacks over one base model."""

    name: str
    """For people."""

    def stack(self, num_experts: int, num_tokens: int) -> Stack:
        """Begins some experts, whose largest step has so many tokens.

        Raises:
            torch.OutOfMemoryError: the device has no room for them.
        """
        ...

    def tokens_per_step(self, tokens_per_expert: int) -> int:
        """Returns how many tokens a step may have: as many as pay, and as the device's free memory holds.

        Args:
            tokens_per_expert: of a step of one expert, in the mean.
        """
        ...

    def give_back(self) -> None:
        """Gives back what memory it keeps between batches: there was not enough."""
        ...
