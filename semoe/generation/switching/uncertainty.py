"""How unsure a model was of a sentence: from the log-probabilities of its entities' tokens, or of all its tokens.

The published steps: an entity's log-probabilities become one by `entity_solver`, its p is 1 − exp of that, and the
entities' p become one by `sentence_solver`. Pure functions; nothing here generates or retrieves.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language, Span

Solver = Callable[[Sequence[float]], float]
entity_solvers: Mapping[str, Solver] = {"avg": fmean, "max": max, "min": min, "first": lambda logprobs: logprobs[0]}
"""`max` takes the surest token, `min` the least sure."""
sentence_solvers: Mapping[str, Solver] = {"avg": fmean, "max": max, "min": min}


@dataclass(frozen=True, slots=True)
class Mention:
    """A name, or a word, with how unsure the model was of it."""

    span: Span
    """In the draft's text."""
    p: float
    """Between 0, sure, and 1; on dragin's scale from 0 on."""


def mentions_of(draft: Draft, sentence: Span, language: Language, settings: SwitchSettings) -> list[Mention]:
    """Returns the entities of a sentence, or its content words where it has none and `entityless` says so."""
    text = sentence.of(draft.text)
    found = language.entities(text)
    if not found and settings.entityless == "tokens":
        found = language.content_words(text)
    mentions = [mention_of(draft, span.moved(sentence.start), settings.entity_solver) for span in found]
    return [one for one in mentions if one is not None]


def tokens_of(draft: Draft, sentence: Span) -> list[Mention]:
    """Returns every token of a sentence, but for those without a finite probability."""
    inside = draft.tokens_in(sentence)
    return [Mention(draft.span_of([n]), 1.0 - math.exp(p)) for n in inside if math.isfinite(p := draft.logprobs[n])]


def mention_of(draft: Draft, span: Span, solver: str) -> Mention | None:
    """Returns how unsure the model was of a stretch of text; None where no token with a finite probability is in it."""
    logprobs = [draft.logprobs[number] for number in draft.tokens_in(span) if math.isfinite(draft.logprobs[number])]
    return Mention(span, 1.0 - math.exp(entity_solvers[solver](logprobs))) if logprobs else None


def uncertainty(mentions: Sequence[Mention], solver: str) -> float:
    """Returns how unsure the model was of a sentence with these mentions; 0 without any."""
    return sentence_solvers[solver]([one.p for one in mentions]) if mentions else 0.0
