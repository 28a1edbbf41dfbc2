"""What to retrieve with: each published query formulation as one small function; a registry takes a user's own.

`forward` is the question with the text accepted so far. Where one differs from the published code, its function says
so. Every query is cut to its last 64 tokens, as published.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from semoe.language import Language, Span
from semoe.registry import Registry

QUERY_TOKENS = 64
_BEFORE = re.compile(r"[^\w\s]+$")
_AFTER = re.compile(r"^(?:['’]s\b)?[^\w\s]*")
"""What hangs on a doubted name: quotes, brackets, commas, a possessive."""


class QueryTokenizer(Protocol):
    """What queries need of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """Tokenises text."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids."""
        ...

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Returns the span of each token of `text`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryInputs:
    """All that a query may be made of."""

    question: str
    before: str
    """The text accepted so far, what the method keeps of the draft included."""
    sentence: str
    """What is in doubt, or was written last."""
    hits: tuple[Span, ...]
    """Doubted stretches of the sentence."""
    adds_sentence: bool
    """Whether forward_all ends with the sentence."""
    keep_top_k: int
    keep_ratio: float | None = None
    """real_words: the share of the words that is kept; None: `keep_top_k` of them."""
    language: Language
    tokenizer: QueryTokenizer
    look: Callable[[list[int]], Tensor]
    """What each token of a text looks at, [T, T]; see `looking`."""

    @property
    def forward(self) -> str:
        """Question and accepted text."""
        return " ".join(part for part in (self.question.strip(), self.before.strip()) if part)


Formulation = Callable[[QueryInputs], str]
formulations: Registry[Formulation] = Registry("query formulation")


def make_query(name: str, ask: QueryInputs) -> str:
    """Returns the query; empty where no letter or digit is left to ask for."""
    text = " ".join(formulations[name](ask).split())
    if not any(map(str.isalnum, text)):
        return ""
    ids = ask.tokenizer.encode(text)
    return text if len(ids) <= QUERY_TOKENS else ask.tokenizer.decode(ids[-QUERY_TOKENS:]).strip()


@formulations.register("current")
def current(ask: QueryInputs) -> str:
    """The sentence in doubt."""
    return ask.sentence


@formulations.register("current_wo_wrong")
def current_wo_wrong(ask: QueryInputs) -> str:
    """The sentence without what is in doubt, nor the punctuation and possessive that hang on it or then stand alone.

    Not as published, where the comma or full stop that a doubted name leaves behind is asked with.
    """
    text = ask.sentence
    for span in sorted(ask.hits, reverse=True):
        text = f"{_BEFORE.sub('', text[: span.start])} {_AFTER.sub('', text[span.end :], count=1)}"
    return " ".join(word for word in text.split() if any(map(str.isalnum, word))) if ask.hits else text


@formulations.register("direct")
def direct(ask: QueryInputs) -> str:
    """The sentence without its doubted names; what was written last, for methods that do not doubt."""
    return current_wo_wrong(ask)


@formulations.register("forward_all")
def forward_all(ask: QueryInputs) -> str:
    """Question and accepted text; for `token` also the doubted sentence without its doubted names.

    As published, but for this: the published code leaves out the sentences of the same draft before the doubted one.
    """
    return f"{ask.forward} {current_wo_wrong(ask)}" if ask.adds_sentence else ask.forward


@formulations.register("last_sentence")
def last_sentence(ask: QueryInputs) -> str:
    """The last sentence of question and accepted text."""
    sentences = ask.language.sentences(ask.forward)
    return sentences[-1].of(ask.forward) if sentences else ""


@formulations.register("last_n_tokens")
def last_n_tokens(ask: QueryInputs) -> str:
    """The last `retrieve_keep_top_k` tokens of question and accepted text; decoded, not as raw token strings."""
    return ask.tokenizer.decode(ask.tokenizer.encode(ask.forward)[-ask.keep_top_k :])


@formulations.register("real_words")
def real_words(ask: QueryInputs) -> str:
    """DRAGIN's: the content words of question, accepted text and sentence that the doubted words lean on most."""
    text = f"{ask.forward} {ask.sentence}"
    hits = [span.moved(len(text) - len(ask.sentence)) for span in ask.hits]
    tokens = [Span(*pair) for pair in ask.tokenizer.offsets(text)]
    shares_TT = ask.look(ask.tokenizer.encode(text))
    rows = [row for hit in hits if (row := _leaning(shares_TT, tokens, hit)) is not None]
    if not rows:
        return current_wo_wrong(ask)
    share_T = torch.stack(rows).mean(0)
    words = [word for word in ask.language.content_words(text) if not any(word.meets(hit) for hit in hits)]
    weight = {word: sum(float(share_T[n]) for n, token in enumerate(tokens) if token.meets(word)) for word in words}
    count = ask.keep_top_k if ask.keep_ratio is None else int(ask.keep_ratio * len(words))
    kept = sorted(sorted(words, key=lambda word: -weight[word])[:count])
    return " ".join(word.of(text) for word in kept)


def _leaning(shares_TT: Tensor, tokens: Sequence[Span], hit: Span) -> Tensor | None:
    """What the tokens before a doubted word's tokens look at, among what stands before the word; its sum is 1."""
    own = [number for number, token in enumerate(tokens) if token.meets(hit)]
    if not own or own[0] == 0:
        return None
    row_T = shares_TT[[number - 1 for number in own]].mean(0).clone()
    row_T[own[0] :] = 0
    return row_T / row_T.sum()
