"""What happened while an answer was written: for `predict.json`, `semoe explain` and the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter


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
class TracedPassage:
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
    passages: tuple[TracedPassage, ...]
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
class Trace:
    """How an answer was written."""

    switches: tuple[Switch, ...]
    counters: Counters
    stopped: str = ""
    """Which guard ended or bounded it: `max_switches`, `context`, …; empty for none."""

    @property
    def real_switches(self) -> tuple[Switch, ...]:
        """The retrievals that changed something; the others say in a note why they did not."""
        return tuple(one for one in self.switches if not one.note)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered(Trace):
    """A finished answer with what happened on the way."""

    text: str
    tokens: tuple[int, ...]
    num_experts: int
    """Loaded at the end."""
    cut_tokens: int = 0
    """It ended so many tokens early because the model's context was full."""
    too_long: int = 0
    """Tokens of its first prompt, where that left no room for an answer; 0 where it did."""

    @property
    def trace(self) -> Trace:
        """How it was written, without the answer."""
        return Trace(switches=self.switches, counters=self.counters, stopped=self.stopped)


def read_trace(record: Mapping[str, Any]) -> Trace | None:
    """Reads the trace of a record that was read from JSON; None for an answer that was written in one go.

    Raises:
        ValueError: it is not what a trace should be.
    """
    return _adapter().validate_python(dict(record)) if "switches" in record else None


@cache
def _adapter() -> TypeAdapter[Trace]:
    return TypeAdapter(Trace)
