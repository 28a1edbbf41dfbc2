"""What happened while an answer was written: for `predict.json`, `semoe explain` and the report."""

from dataclasses import dataclass

from semoe.generation.switching.act import Act, Ready
from semoe.generation.switching.methods import Doubt
from semoe.retrieval import Retrieved


@dataclass(frozen=True, kw_only=True, slots=True)
class Probability:
    """A name or word of a doubted sentence."""

    text: str
    start: int
    """Character of the sentence."""
    p: float
    """How unsure the model was of it."""
    is_hit: bool
    """Whether it made the sentence doubtful."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A passage that was retrieved."""

    id: str
    title: str
    text: str
    score: float
    key: str
    """Of its expert."""
    has_expert: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Switch:
    """One retrieval, and the change of passages and experts that it brought."""

    position: int
    """Character of the answer from which on the new ones count."""
    token: int
    """The same in tokens."""
    sentence: str
    """What was doubted, and dropped; for methods that do not doubt, what was written last; empty for the question."""
    value: float
    probabilities: tuple[Probability, ...]
    query: str
    passages: tuple[Found, ...]
    experts: tuple[str, ...]
    """Keys of those that were loaded, in place of the former ones."""
    dropped_passages: int
    """Left out of the prompt because the context would overflow, the last-ranked first."""
    retrieve_ms: float
    """Of the search, which all rows that waited shared; without the loading or making of experts."""
    note: str = ""
    """Why nothing changed, where nothing did."""


@dataclass(slots=True)
class Counters:
    """Per question, as published."""

    retrieve: int = 0
    """Retrievals."""
    generate: int = 0
    """Drafts."""
    hallucinated: int = 0
    """Doubted sentences that were acted upon."""
    token: int = 0
    """Tokens of all drafts, dropped ones too."""
    sentence: int = 0
    """Sentences of all drafts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A finished answer with what happened on the way."""

    text: str
    tokens: tuple[int, ...]
    switches: tuple[Switch, ...]
    counters: Counters
    num_experts: int
    """Loaded at the end."""
    stopped: str = ""
    """Which guard ended or bounded it: `max_switches`, `context`, …; empty for none."""


def probabilities_of(sentence: str, doubt: Doubt | None) -> tuple[Probability, ...]:
    """Returns what was looked at in a doubted sentence."""
    if doubt is None:
        return ()
    spans = [(one, one.span.moved(-doubt.sentence.start)) for one in doubt.mentions]
    return tuple(
        Probability(text=span.of(sentence), start=span.start, p=one.p, is_hit=one in doubt.hits) for one, span in spans
    )


def found_passage(hit: Retrieved, act: Act, ready: Ready) -> Found:
    """Returns a retrieved passage as the trace keeps it."""
    passage = hit.passage
    key = act.key(hit)
    return Found(
        id=passage.id,
        title=passage.title,
        text=passage.text,
        score=hit.score,
        key=key,
        has_expert=key not in ready.missing,
    )
