"""An answer as words, each with how sure the model was of it: for whoever watches it being written."""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from semoe.generation.request import Answer
from semoe.generation.switching.draft import PARTIAL, Decode


class Word(NamedTuple):
    """A word of an answer, with the space before it and the marks behind it."""

    text: str
    p: float
    """Probability of the least probable of its tokens, 0 to 1."""


class Transcript:
    """The tokens of one answer as far as it is written, whichever drafts they came from."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._logprobs: list[float] = []
        self._texts = [""]
        """Of the first so many tokens; filled as far as it is asked for, since each token is told of in its turn."""

    def take(self, before: Sequence[int], draft: Answer) -> None:
        """Takes what is written now: accepted tokens, and the draft behind them."""
        tokens = [*before, *draft.tokens]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tokens, self._tokens, strict=False)))
        del self._texts[same + 1 :]
        self._tokens = tokens
        self._logprobs = [*self._logprobs[: len(before)], *draft.logprobs]

    def words(self, num_tokens: int | None = None) -> list[Word]:
        """Returns the words of the first tokens (None: of all); together they are their text."""
        count = len(self._tokens) if num_tokens is None else num_tokens
        while len(self._texts) <= count:
            self._texts.append(self._decode(self._tokens[: len(self._texts)]))
        whole = self._texts[count]
        found: list[Word] = []
        at = 0
        for number in range(count):
            # A character that several tokens make comes with the last of them.
            end = len(whole) if number == count - 1 else max(at, len(self._texts[number + 1].rstrip(PARTIAL)))
            text = whole[at:end]
            at = end
            p = math.exp(self._logprobs[number])
            if found and not text[:1].isspace():
                found[-1] = Word(found[-1].text + text, min(found[-1].p, p))
            else:
                found.append(Word(text, p))
        return found
