"""Exact match, precision, recall and F1 of a short answer, as in SQuAD (arXiv 1606.05250) with the yes/no rule.

As published: each number is the best over the accepted answers by itself, so they may stem from different ones.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from semoe.normalise import normalise

_SPECIAL = frozenset(("yes", "no", "noanswer"))


class Scores(NamedTuple):
    """Each between 0 and 1."""

    em: float
    f1: float
    precision: float
    recall: float


def score(prediction: str, answers: Sequence[str]) -> Scores:
    """Scores a prediction against its accepted answers; each number is the best over answers by itself.

    Args:
        prediction: a short answer.
        answers: those that count as right; none: all numbers are 0.

    Returns:
        Exact match, F1, precision and recall over words, each between 0 and 1; SQuAD's (arXiv 1606.05250).

    Example:
        >>> import semoe
        >>> semoe.score("in Tampere", ["Tampere", "Tammerfors"])
        Scores(em=0.0, f1=0.6666666666666666, precision=0.5, recall=1.0)
    """
    each = [_score_one(normalise(prediction), normalise(answer)) for answer in answers]
    return Scores(*map(max, zip(*each, strict=True))) if each else Scores(0.0, 0.0, 0.0, 0.0)


def _score_one(prediction: str, answer: str) -> Scores:
    em = float(prediction == answer)
    if prediction != answer and (prediction in _SPECIAL or answer in _SPECIAL):
        return Scores(em, 0.0, 0.0, 0.0)
    predicted = prediction.split()
    wanted = answer.split()
    shared = sum((Counter(predicted) & Counter(wanted)).values())
    if not shared:
        return Scores(em, 0.0, 0.0, 0.0)
    precision = shared / len(predicted)
    recall = shared / len(wanted)
    return Scores(em, 2 * precision * recall / (precision + recall), precision, recall)
