"""An answer as words, each with how sure the model was of it: for whoever watches it being written."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from semoe.generation.request import Answer
from semoe.generation.switching.draft import Decode, make_draft


class Word(NamedTuple):
    """A word of an answer, with the space before it and the marks behind it."""

    text: str
    p: float
    """Probability of the least probable of its tokens, 0 to 1."""


class Transcript:
    """The tokens of one answer as far as it is written, whichever drafts they came from."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self.tokens: list[int] = []
        self._logprobs: list[float] = []

    def take(self, before: Sequence[int], draft: Answer) -> None:
        """Takes what is written now: accepted tokens, and the draft behind them."""
        self.tokens = [*before, *draft.tokens]
        self._logprobs = [*self._logprobs[: len(before)], *draft.logprobs]

    def words(self, num_tokens: int | None = None) -> list[Word]:
        """Returns the words of the first tokens (None: of all); together they are the text."""
        tokens = tuple(self.tokens[:num_tokens])
        logprobs = tuple(self._logprobs[:num_tokens])
        draft = make_draft(self._decode, (), Answer(tokens=tokens, logprobs=logprobs, finish="length"))
        found: list[Word] = []
        at = 0
        for span, logprob in zip(draft.tokens, draft.logprobs, strict=True):
            text = draft.text[at : max(at, span.end)]
            at = max(at, span.end)
            p = math.exp(logprob)
            if found and not text[:1].isspace():
                found[-1] = Word(found[-1].text + text, min(found[-1].p, p))
            else:
                found.append(Word(text, p))
        return found
