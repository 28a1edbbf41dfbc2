"""What the engine knows of a request while it answers it."""

from collections.abc import Iterable
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
    tried: tuple[int, ...] = ()
    """Candidates in the step under way, behind the newest token: it chooses a token behind each of them as well."""
    attention_HN: Tensor | None = None
    """The most that any query so far gave to each token of the answer."""
    finish: Literal["eos", "length", "paused"] | None = None

    @property
    def ids(self) -> tuple[int, ...]:
        """The prompt and what is written: what a row that begins computes first."""
        return (*self.request.prompt, *self.tokens)

    @property
    def num_places(self) -> int:
        """Tokens up to the newest one, or the last candidate behind it."""
        return len(self.request.prompt) + len(self.tokens) + len(self.tried)

    @property
    def newest(self) -> int:
        """The last of them."""
        return (self.tried or self.tokens or self.request.prompt)[-1]

    @property
    def wants_more(self) -> bool:
        """Whether one more token may be asked for: not before it is known which candidates stay."""
        return not self.tried and self.num_asked < self.request.max_new_tokens

    def ask(self, room: int) -> int:
        """Asks for the next token; at first with the request's candidates, as far as there is room.

        Returns:
            how many of them are tried. None where attention is asked for: each token would need its own.
        """
        if not self.num_asked and not self.request.wants_attention:
            self.tried = self.request.candidates[: min(room, self.request.max_new_tokens - 1)]
        self.num_asked += 1 + len(self.tried)
        return len(self.tried)

    def take(self, chosen: Iterable[tuple[int, float, float]], eos_ids: frozenset[int]) -> None:
        """Takes the token, its log-probability and entropy behind the newest token, and behind each candidate tried.

        What was chosen behind a candidate counts as long as that, and those before it, were chosen themselves.
        """
        for (token, logprob, entropy), candidate in zip(chosen, (*self.tried, None), strict=True):
            self.accept(token, logprob, eos_ids, entropy)
            if self.finish is not None or token != candidate:
                break
        if self.tried:
            self.num_asked = len(self.tokens)
            self.tried = ()

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
            tried=(),
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
