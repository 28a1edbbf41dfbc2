"""Ways to answer that belong together, compared over the same questions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from semoe.evaluation.bootstrap import Interval, interval, paired_bootstrap
from semoe.stages.answer_record import AnswerRecord

METRICS = ("em", "f1", "precision", "recall")
PAIRS = (
    ("prag", "none", "what experts bring without the passage"),
    ("prag", "prag_random", "of it, what the passage's own expert brings: knowledge"),
    ("combine", "icl", "what experts bring beside the passage"),
    ("combine", "combine_random", "of it, what the passage's own expert brings: knowledge"),
)
"""Ways to answer that are compared over the same questions, and what the difference says."""


class Pair(NamedTuple):
    """Two ways to answer that are both there, by the names of their answers' folders."""

    method: str
    against: str
    says: str


def pairs_of(answers: Mapping[str, Sequence[AnswerRecord]]) -> Iterator[Pair]:
    """Yields the pairs among some ways to answer: `token-prag` is compared with `token-none`.

    A control for which there were no other passages' experts controls nothing, and is compared with nothing.
    """
    for method, against, says in PAIRS:
        for name in answers:
            other = name.removesuffix(method) + against
            if label(name) == method and other in answers and not _is_empty_control(against, answers[other]):
                yield Pair(name, other, says)


def _is_empty_control(method: str, records: Sequence[AnswerRecord]) -> bool:
    return method.endswith("_random") and not any(record.num_experts for record in records)


def label(method: str) -> str:
    """The way to answer of a folder's name: that of `token-prag` is `prag`."""
    return method.rpartition("-")[2]


def intervals_of(records: Sequence[AnswerRecord]) -> dict[str, Interval]:
    """Returns means with their 95 % intervals, by metric."""
    return {metric: interval(_values(records, metric)) for metric in METRICS}


def differences(records: Sequence[AnswerRecord], against: Sequence[AnswerRecord]) -> dict[str, Interval]:
    """Returns mean differences with their 95 % intervals, by metric; both are of the same questions, in order."""
    return {metric: paired_bootstrap(_values(records, metric), _values(against, metric)) for metric in METRICS}


def _values(records: Sequence[AnswerRecord], metric: str) -> list[float]:
    return [getattr(record.scores, metric) for record in records]
