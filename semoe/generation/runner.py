"""What the engine needs of whoever runs the decoder: the next token of every row that is being answered.

`plain_runner.py` runs everywhere and is the reference; `fused/` is the GPU's.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from semoe.generation.running import Running


class Choices(NamedTuple):
    """The next token of each row."""

    tokens: list[int]
    logprobs: list[float]
    """Natural logarithms of their probabilities."""
    entropies: list[float]
    """Of the distributions that they were taken from, in nats."""
    looked: Sequence[Tensor | None] | None = None
    """What each row's newest token looked at in the last layer, [H, L]; None where no row wants it."""


class Pending(Protocol):
    """Choices that may still be on their way."""

    def wait(self) -> Choices:
        """Returns them once they are there."""
        ...


class Runner(Protocol):
    """Holds what running rows need: their keys and values, and their experts."""

    runs_ahead: bool
    """Whether a step may begin before the choices of the last one are known."""

    def admit(self, sequence: Running, *, must: bool) -> bool:
        """Gives a sequence its row and its experts; False where there is no room, unless there must be."""
        ...

    def begin(self, running: Sequence[Running]) -> Pending:
        """Begins to compute the next token of each of these rows; the prompts of new ones are computed on the way.

        Args:
            running: sequences that were admitted and not released; the new ones must be among them.
        """
        ...

    def release(self, sequence: Running) -> None:
        """Frees the row of a sequence that has ended."""
        ...
