"""How much of what it should find a retriever finds: shares of questions with 95 % intervals, for each type apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from semoe.datasets.question import Question
from semoe.evaluation.bootstrap import Interval, interval
from semoe.evaluation.retrieval import Found

KS = 1, 3, 10
DEPTH = 20
"""Passages that are looked at."""
MANY = 4
"""Titles from which on ten passages are few."""
ALL_TYPES = "total"
Measure = Callable[[Found], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One share, over the questions that have what it counts."""

    type: str
    """Of the questions; `total` for all."""
    what: str
    num_questions: int
    percent: Interval


def figures(questions: Sequence[Question], found: Sequence[Found]) -> list[Figure]:
    """Returns every figure of a dataset's questions, all of them first, then each type."""
    types = sorted({question.type for question in questions if question.type})
    return [
        Figure(kind, what, sum(counts), interval(values_of(found, counts, measure)))
        for kind in (ALL_TYPES, *types)
        for what, (counts, measure) in measures(questions, kind).items()
    ]


def measures(questions: Sequence[Question], kind: str = ALL_TYPES) -> dict[str, tuple[list[bool], Measure]]:
    """Returns what is measured: for each question of a type whether it counts, and how it is measured."""
    inside = [kind in (ALL_TYPES, question.type) for question in questions]
    found: dict[str, tuple[list[bool], Measure]] = {
        f"answer in the first {k}": (inside, partial(Found.answer, k=k)) for k in KS
    }
    found["mean reciprocal rank of an answer"] = inside, lambda one: one.reciprocal_rank
    numbers = {len(question.golden_titles) for question, is_in in zip(questions, inside, strict=True) if is_in} - {0}
    for number in sorted(numbers):
        counts = [
            is_in and len(question.golden_titles) == number for question, is_in in zip(questions, inside, strict=True)
        ]
        for k in KS[1:] if number < MANY else (KS[-1], DEPTH):
            what = "its title" if number == 1 else f"all {number} titles"
            found[f"{what} in the first {k}"] = counts, partial(Found.all_titles, k=k)
    return found


def values_of(found: Sequence[Found], counts: Sequence[bool], measure: Measure) -> list[float]:
    """Returns one percentage for each question that counts."""
    return [100.0 * measure(one) for one, is_counted in zip(found, counts, strict=True) if is_counted]
