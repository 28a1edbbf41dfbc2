"""An answer as words, each with how sure the model was of it: for whoever watches it being written."""

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

from semoe.generation.request import Answer
from semoe.generation.switching.draft import PARTIAL, Decode


class Word(NamedTuple):
    """A word of an answer, with the space before it and the marks behind it."""

    text: str
    p: float
    """Probability of the least probable of its tokens, 0 to 1."""


class Transcript:
    """The tokens of one answer as far as it is written, whichever drafts they came from.

    Words that a further token cannot change are kept, so each token costs as much as the first.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._logprobs: list[float] = []
        self._texts = [""]
        """Of the first so many tokens; filled as far as it is asked for, since each token is told of in its turn."""
        self._forget()

    def _forget(self) -> None:
        self._words: list[Word] = []
        """Of the first so many tokens, all of which have others behind them."""
        self._num_settled = 0
        self._settled = ""

    def take(self, before: Sequence[int], draft: Answer) -> None:
        """Takes what is written now: accepted tokens, and the draft behind them."""
        tokens = [*before, *draft.tokens]
        logprobs = [*self._logprobs[: len(before)], *draft.logprobs]
        if not (_goes_on(self._tokens, tokens) and _goes_on(self._logprobs, logprobs)):
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tokens, self._tokens, strict=False)))
            del self._texts[same + 1 :]
            self._forget()
        self._tokens, self._logprobs = tokens, logprobs

    def words(self, num_tokens: int | None = None) -> list[Word]:
        """Returns the words of the first tokens (None: of all); together they are their text."""
        count = len(self._tokens) if num_tokens is None else num_tokens
        while len(self._texts) <= count:
            self._texts.append(self._decode(self._tokens[: len(self._texts)]))
        if not count:
            return []
        whole = self._texts[count]
        self._settle(whole, count - 1)
        found = self._words.copy()
        _add(found, whole[len(self._settled) :], self._logprobs[count - 1])
        return found

    def _settle(self, whole: str, count: int) -> None:
        """Makes the words of the first tokens out of the text of these and more."""
        # A tokenizer may tidy what stands there already.
        if self._num_settled > count or not whole.startswith(self._settled):
            self._forget()
        at = len(self._settled)
        for number in range(self._num_settled, count):
            # A character that several tokens make comes with the last of them.
            end = max(at, len(self._texts[number + 1].rstrip(PARTIAL)))
            _add(self._words, whole[at:end], self._logprobs[number])
            at = end
        self._num_settled, self._settled = count, whole[:at]


def _goes_on(before: list[Any], now: list[Any]) -> bool:
    return now[: len(before)] == before


def _add(words: list[Word], text: str, logprob: float) -> None:
    """Adds a token's text: to the last word, or as a word where it begins with a space."""
    p = math.exp(logprob)
    if words and not text[:1].isspace():
        words[-1] = Word(words[-1].text + text, min(words[-1].p, p))
    else:
        words.append(Word(text, p))
