"""Asks a retriever the questions of a dataset, and looks at what it finds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from semoe.datasets.question import Question
from semoe.evaluation.recall import DEPTH, Figure, figures
from semoe.evaluation.retrieval import Found, look_at
from semoe.retrieval.retriever import Retriever


@dataclass(frozen=True, kw_only=True, slots=True)
class Recall:
    """What a retriever found."""

    num_questions: int
    num_passages: int | None
    """Of the index; None where the retriever does not say."""
    milliseconds: float
    """A query, many at once."""
    figures: list[Figure]
    found: list[Found]
    """One for each question."""


def recall(retriever: Retriever, questions: Sequence[Question]) -> Recall:
    """Asks all questions at once, as `retrieve` does.

    Raises:
        TransientError: the retriever does not answer.
    """
    retriever.search([questions[0].question], DEPTH)  # opens what is opened at the first search
    began = time.perf_counter()
    hits = retriever.search([question.question for question in questions], DEPTH)
    seconds = time.perf_counter() - began
    found = [look_at(question, own) for question, own in zip(questions, hits, strict=True)]
    return Recall(
        num_questions=len(questions),
        num_passages=getattr(retriever, "num_passages", None),
        milliseconds=1000 * seconds / len(questions),
        figures=figures(questions, found),
        found=found,
    )
