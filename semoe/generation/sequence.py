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
    wants_entropy: bool = False
    """Whether the answer tells how unsure the model was of each token."""
    wants_attention: bool = False
    """Whether it tells how much later tokens looked at each token, in the last layer."""

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
    entropies: tuple[float, ...] = ()
    """Of the distribution that each token was taken from, in nats; empty unless asked for."""
    attention: tuple[float, ...] = ()
    """For each token the most that any token from it on looked at it, mean over heads; empty unless asked for."""


@dataclass(slots=True)
class Sequence:
    """A request while it is being answered."""

    index: int
    request: Request
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    attention_HN: Tensor | None = None
    """The most that any query so far gave to each token of the answer."""
    finish: Literal["eos", "length"] | None = None

    def accept(self, token: int, logprob: float, eos_ids: frozenset[int], entropy: float | None = None) -> None:
        """Takes the next token, or ends at an end token or at the limit."""
        if token in eos_ids:
            self.finish = "eos"
            return
        self.tokens.append(token)
        self.logprobs.append(logprob)
        if entropy is not None and self.request.wants_entropy:
            self.entropies.append(entropy)
        if len(self.tokens) == self.request.max_new_tokens:
            self.finish = "length"

    def look(self, shares_HL: Tensor) -> None:
        """Takes in what the newest token looked at, over all places up to itself."""
        own_HN = shares_HL[:, len(self.request.prompt) : len(self.request.prompt) + len(self.tokens)]
        if self.attention_HN is not None:
            own_HN = own_HN.clone()
            width = self.attention_HN.shape[1]
            own_HN[:, :width] = own_HN[:, :width].maximum(self.attention_HN)
        self.attention_HN = own_HN

    def answer(self) -> Answer:
        """Returns the finished answer."""
        return Answer(
            tokens=tuple(self.tokens),
            logprobs=tuple(self.logprobs),
            finish=self.finish or "length",
            entropies=tuple(self.entropies),
            attention=self._attention(),
        )

    def _attention(self) -> tuple[float, ...]:
        """The last token was never a query: nothing looked at it."""
        if not self.request.wants_attention:
            return ()
        seen = [] if self.attention_HN is None else self.attention_HN.mean(0).tolist()
        return tuple(seen + [0.0] * (len(self.tokens) - len(seen)))
