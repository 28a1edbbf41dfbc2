"""Answers before questions: the spans of a passage that the `model` augmenter asks about.

Spans are cut out of the passage, so that an answer occurs in it by construction. Named entities come before
other noun phrases, and both are dealt out over the sentences, so that a passage is not asked thrice about
its first line.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Doc, Span

from semoe.augment.restate import restate, subject_of

MAX_WORDS = 8
_POOR = frozenset({"ORDINAL", "CARDINAL", "PERCENT", "QUANTITY"})
"""Bare numbers: they make answers that fit any question, so they rank with noun phrases."""


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A span of a passage that may serve as an answer."""

    text: str
    label: str
    """spaCy's entity label; empty for a noun phrase."""
    sentence: str
    """The sentence that it stands in, about the title by name where it opened with a pronoun."""


def answer_spans(doc: Doc, title: str, limit: int) -> list[AnswerSpan]:
    """Returns up to `limit` spans of a parsed passage, best first, no two of the same wording or place."""
    ranked = sorted(_candidates(doc), key=lambda candidate: candidate[:3])
    chosen: list[AnswerSpan] = []
    taken: set[int] = set()
    seen: set[str] = set()
    for *_, span in ranked:
        places = set(range(span.start, span.end))
        if span.text.casefold() in seen or places & taken or span.text.casefold() in title.casefold():
            continue
        chosen.append(AnswerSpan(span.text, span.label_, restate(span.sent, subject_of(title))))
        seen.add(span.text.casefold())
        taken |= places
    return chosen[:limit]


def _candidates(doc: Doc) -> Iterator[tuple[int, int, int, Span]]:
    """Yields (class, turn within its sentence, sentence, span)."""
    number = {sentence.start: index for index, sentence in enumerate(doc.sents)}
    turns: defaultdict[tuple[int, int], itertools.count[int]] = defaultdict(itertools.count)
    for span in itertools.chain(doc.ents, doc.noun_chunks):
        trimmed = _trim(span)
        if trimmed is None:
            continue
        kind = 0 if trimmed.label_ and trimmed.label_ not in _POOR else 1
        sentence = number.get(trimmed.sent.start, 0)
        yield kind, next(turns[kind, sentence]), sentence, trimmed


def _trim(span: Span) -> Span | None:
    """Takes articles, possessives, brackets and spaces off both ends; None for what is no answer."""
    doc = span.doc
    start = span.start
    end = span.end
    while start < end and (doc[start].pos_ in ("DET", "PRON") or doc[start].is_space or doc[start].is_punct):
        start += 1
    while end > start and (doc[end - 1].is_space or doc[end - 1].is_punct or doc[end - 1].tag_ == "POS"):
        end -= 1
    trimmed = Span(doc, start, end, label=span.label)
    if end - start > MAX_WORDS or len(trimmed.text) < 2 or "\n" in trimmed.text:
        return None
    return trimmed if any(token.is_alpha or token.like_num for token in trimmed) else None
