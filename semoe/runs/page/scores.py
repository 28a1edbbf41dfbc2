"""What the answers of a run come to, set by set: reckoned once, shown as tables and as plots."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from semoe.evaluation.bootstrap import Interval
from semoe.runs.comparison import Pair, differences, intervals_of, pairs_of
from semoe.runs.page.found import Answers, FoundRun


@dataclass(frozen=True, kw_only=True, slots=True)
class SetScores:
    """Of one set of questions."""

    dataset: str
    data_type: str
    answers: Answers
    means: Mapping[str, Mapping[str, Interval]]
    """By way to answer, then by metric; between 0 and 1."""
    differences: Sequence[tuple[Pair, Mapping[str, Interval]]]
    """Over the same questions."""


def scores_of(found: FoundRun) -> Iterator[SetScores]:
    """Yields those of each set that has answers."""
    for number, one in enumerate(found.plan.sets):
        answers = found.of_set(number)
        if any(answers.values()):
            yield SetScores(
                dataset=one.dataset,
                data_type=one.data_type,
                answers=answers,
                means={method: intervals_of(records) for method, records in answers.items()},
                differences=[
                    (pair, differences(answers[pair.method], answers[pair.against])) for pair in pairs_of(answers)
                ],
            )
