"""What the engine knows of a request while it answers it."""

from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor

from semoe.generation.request import Answer, Request


@dataclass(slots=True)
class Running:
    """A request while it is being answered."""

    index: int
    request: Request
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    num_asked: int = 0
    """Tokens that were asked of the runner; its answers may still be on their way."""
    attention_HN: Tensor | None = None
    """The most that any query so far gave to each token of the answer."""
    finish: Literal["eos", "length", "paused"] | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The prompt and what is written: what a row that begins computes first."""
        return (*self.request.prompt, *self.tokens)

    @property
    def wants_more(self) -> bool:
        """Whether one more token may be asked for."""
        return self.num_asked < self.request.max_new_tokens

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

    def paused(self) -> "Running":
        """Returns what is written, to be gone on with; this one ends."""
        self.finish = "paused"
        return replace(
            self,
            tokens=[*self.tokens],
            logprobs=[*self.logprobs],
            entropies=[*self.entropies],
            num_asked=len(self.tokens),
            finish=None,
        )

    def answer(self) -> Answer:
        """Returns the answer as far as it is written."""
        return Answer(
            tokens=tuple(self.tokens),
            logprobs=tuple(self.logprobs),
            finish="eos" if self.finish == "eos" else "length",
            entropies=tuple(self.entropies),
            attention=self._attention(),
        )

    def _attention(self) -> tuple[float, ...]:
        """The last token was never a query: nothing looked at it."""
        if not self.request.wants_attention:
            return ()
        seen = [] if self.attention_HN is None else self.attention_HN.mean(0).tolist()
        return tuple(seen + [0.0] * (len(self.tokens) - len(seen)))
