"""What is asked of the engine, what it knows while answering, and what it gives back. Token ids only, no text."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from semoe.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt with its own experts."""

    prompt: tuple[int, ...]
    experts: tuple[Tensor, ...] = ()
    """Flat vectors [N]; any number, also none."""
    weights: tuple[float, ...] | None = None
    """One weight an expert; None: 1 each."""
    max_new_tokens: int = 20

    def __post_init__(self) -> None:
        if not self.prompt or self.max_new_tokens < 1:
            raise UsageError("A request needs a prompt and max_new_tokens of 1 or more.", kind="bad-value")
        if self.weights is not None and len(self.weights) != len(self.experts):
            raise UsageError(f"{len(self.experts)} experts but {len(self.weights)} merge weights.", kind="bad-value")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was generated."""

    tokens: tuple[int, ...]
    """Without the end token."""
    logprobs: tuple[float, ...]
    """Natural logarithm of each token's probability."""
    finish: Literal["eos", "length"]


@dataclass(slots=True)
class Sequence:
    """A request while it is being answered."""

    index: int
    request: Request
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Literal["eos", "length"] | None = None

    def accept(self, token: int, logprob: float, eos_ids: frozenset[int]) -> None:
        """Takes the next token, or ends at an end token or at the limit."""
        if token in eos_ids:
            self.finish = "eos"
            return
        self.tokens.append(token)
        self.logprobs.append(logprob)
        if len(self.tokens) == self.request.max_new_tokens:
            self.finish = "length"

    def answer(self) -> Answer:
        """Returns the finished answer."""
        return Answer(tokens=tuple(self.tokens), logprobs=tuple(self.logprobs), finish=self.finish or "length")
