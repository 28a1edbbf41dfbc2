"""Questions that experts helped with, and questions that they harmed: two answers to each, side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semoe.runs.comparison import Pair, label, pairs_of
from semoe.runs.page.found import Answers
from semoe.stages.answer_record import AnswerRecord

SHOWN = 5
"""Of each kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A question that one way answers exactly and the other does not."""

    question: str
    accepted: tuple[str, ...]
    without: AnswerRecord
    with_experts: AnswerRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """Of one pair of ways to answer, over one set of questions."""

    dataset: str
    pair: Pair
    num_questions: int
    helped: Sequence[Example]
    """Right with the passage's experts, wrong without; the plainest first."""
    harmed: Sequence[Example]
    """The other way round."""


def examples_of(dataset: str, answers: Answers) -> Iterator[Examples]:
    """Yields them for each pair of ways where one has the passages' own experts and the other none."""
    for pair in pairs_of(answers):
        if label(pair.against) not in ("none", "icl"):
            continue  # a control: other passages' experts
        both = list(zip(answers[pair.against], answers[pair.method], strict=True))
        found = [
            Example(question=with_.question, accepted=with_.accepted, without=without, with_experts=with_)
            for without, with_ in both
            if with_.scores.em != without.scores.em
        ]
        found.sort(key=lambda one: -abs(one.with_experts.scores.f1 - one.without.scores.f1))
        yield Examples(
            dataset=dataset,
            pair=pair,
            num_questions=len(both),
            helped=[one for one in found if one.with_experts.scores.em],
            harmed=[one for one in found if one.without.scores.em],
        )
