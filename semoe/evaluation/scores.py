"""Exact match, precision, recall and F1 of a short answer, as in SQuAD (arXiv 1606.05250) with the yes/no rule."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_SPECIAL = frozenset(("yes", "no", "noanswer"))


class Scores(NamedTuple):
    """Each between 0 and 1."""

    em: float
    f1: float
    precision: float
    recall: float


def normalise(text: str) -> str:
    """Lower-cases, deletes ASCII punctuation and articles, squeezes spaces."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def score(prediction: str, answers: Sequence[str]) -> Scores:
    """Scores a prediction against its accepted answers; each number is the best over answers by itself."""
    each = [_score_one(normalise(prediction), normalise(answer)) for answer in answers]
    return Scores(*map(max, zip(*each, strict=True))) if each else Scores(0.0, 0.0, 0.0, 0.0)


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Returns the mean of each number; zeros for no scores."""
    if not scores:
        return Scores(0.0, 0.0, 0.0, 0.0)
    return Scores(*(sum(column) / len(scores) for column in zip(*scores, strict=True)))


def _score_one(prediction: str, answer: str) -> Scores:
    em = float(prediction == answer)
    if prediction != answer and (prediction in _SPECIAL or answer in _SPECIAL):
        return Scores(em, 0.0, 0.0, 0.0)
    predicted, wanted = prediction.split(), answer.split()
    shared = sum((Counter(predicted) & Counter(wanted)).values())
    if not shared:
        return Scores(em, 0.0, 0.0, 0.0)
    precision, recall = shared / len(predicted), shared / len(wanted)
    return Scores(em, 2 * precision * recall / (precision + recall), precision, recall)
