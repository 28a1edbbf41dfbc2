"""Augmented records in memory: a question, its retrieved passages, and what was made of each passage.

`augment/` makes them, `experts/` trains on them, `generation/` answers them. Reading and writing the published
JSON shape is `augmented_file.py`'s.
"""

import json
from dataclasses import dataclass, field

from blake3 import blake3

from semoe.datasets.keys import passage_key


@dataclass(frozen=True, kw_only=True, slots=True)
class QAPair:
    """A question that a passage answers."""

    question: str
    answer: str
    full_answer: str
    """The answer as a sentence; chain-of-thought training uses it."""
    wordings: tuple[str, ...] = ()
    """Other wordings of the same question (at most one is used), best first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentedPassage:
    """A passage with its rewrite and question-answer pairs."""

    pid: int
    """Position among the question's passages, from 0: retrieval rank."""
    passage: str
    """The text that models see."""
    title: str = ""
    """Empty in files of the published project."""
    id: str = ""
    """The corpus id; empty in files of the published project."""
    rewrite: str = ""
    qa: tuple[QAPair, ...] = ()
    score: float = 0.0
    """Retrieval score."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentedQuestion:
    """A question with its augmented passages, in retrieval order."""

    qid: str
    test_id: int
    question: str
    answers: tuple[str, ...]
    type: str | None = None
    golden_passages: tuple[str, ...] = ()
    passages: tuple[AugmentedPassage, ...] = field(default=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A question that is to be answered, and its place in its file."""

    did: int
    """Position in its file, from 0."""
    question: AugmentedQuestion
    set_number: int = 0
    """Which file of several."""

    @property
    def keys(self) -> list[str]:
        """The keys of its passages, best first."""
        return [passage_key(passage.title, passage.passage) for passage in self.question.passages]

    @property
    def digest(self) -> str:
        """Tells it from another question in its place: other words, answers or passages have another digest."""
        asked = json.dumps([self.question.question, self.question.answers, self.keys])
        return blake3(asked.encode()).hexdigest(length=8)
