"""A passage of the corpus, and a passage found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """About 100 words of a corpus (a row of DPR's `psgs_w100.tsv`)."""

    id: str
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage with its place in an answer to a query."""

    passage: Passage
    score: float
    rank: int
    """From 0."""
