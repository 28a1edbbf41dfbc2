"""What was generated since the accepted text, as text with the place of every token in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from semoe.generation.request import Answer
from semoe.language import Span

Decode = Callable[[Sequence[int]], str]
_ENDS = frozenset(".!?\n")
PARTIAL = "\ufffd"
"""What a tokenizer decodes an unfinished character to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """Text that a method accepts or doubts; a log-probability (nats) and a place (characters) for each of its tokens.

    Example:
        >>> import semoe
        >>> from semoe.language import Span
        >>> draft = semoe.Draft(text="It is.", tokens=(Span(0, 2), Span(2, 6)), logprobs=(-0.1, -0.2), entropies=(),
        ...                     attention=(), is_whole=True, sentences=(Span(0, 6),))
        >>> draft.tokens_in(Span(3, 5))
        [1]
    """

    text: str
    tokens: tuple[Span, ...]
    """Where each token stands in the text; tokens that make one character together share it."""
    logprobs: tuple[float, ...]
    entropies: tuple[float, ...]
    attention: tuple[float, ...]
    is_whole: bool
    """Whether the model ended it; otherwise it was cut at a length."""
    sentences: tuple[Span, ...] = ()
    """Empty until it is judged."""

    def settled(self, lookahead: int) -> "Draft":
        """Returns the draft with the sentences that have ended: so many tokens were written behind them since."""
        end = self.tokens[-1 - lookahead].end if len(self.tokens) > lookahead else 0
        return replace(self, sentences=tuple(one for one in self.sentences[:-1] if one.end <= end))

    def tokens_in(self, span: Span) -> list[int]:
        """Returns the tokens that share a character with a span."""
        return [number for number, token in enumerate(self.tokens) if token.meets(span)]

    def span_of(self, tokens: Sequence[int]) -> Span:
        """Returns where tokens that follow each other stand, without the space that the first begins with."""
        span = Span(self.tokens[tokens[0]].start, self.tokens[tokens[-1]].end)
        text = span.of(self.text)
        return Span(span.start + len(text) - len(text.lstrip()), span.end)

    def num_tokens_until(self, end: int) -> int:
        """Returns how many tokens, from the first on, end by this character."""
        kept = 0
        while kept < len(self.tokens) and self.tokens[kept].end <= end:
            kept += 1
        return kept


class SentenceEnds:
    """Tells which tokens may end a sentence: only behind them it is worth looking for one."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._known: dict[int, bool] = {}

    def __call__(self, token: int) -> bool:
        """Whether a token holds a mark that ends sentences, or a line's end."""
        if token not in self._known:
            self._known[token] = not _ENDS.isdisjoint(self._decode([token]))
        return self._known[token]


def make_draft(decode: Decode, accepted: Sequence[int], answer: Answer) -> Draft:
    """Places the tokens of an answer that goes on from `accepted`."""
    ids = [*accepted, *answer.tokens]
    texts = [decode(ids[: len(accepted) + number]) for number in range(len(answer.tokens) + 1)]
    ends = [len(_whole(one)) for one in texts]
    text = texts[-1][ends[0] :]
    # A character that several tokens make belongs to each of them.
    spans = [
        Span(start - ends[0], max(start + one.endswith(PARTIAL), end) - ends[0])
        for (start, end), one in zip(pairwise(ends), texts[1:], strict=True)
    ]
    return Draft(
        text=text,
        tokens=tuple(spans),
        logprobs=answer.logprobs,
        entropies=answer.entropies,
        attention=answer.attention,
        is_whole=answer.finish == "eos",
    )


def _whole(text: str) -> str:
    """Leaves out a character of which only some bytes are there."""
    return text.rstrip(PARTIAL)
