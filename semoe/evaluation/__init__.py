"""Scores of answers, with intervals."""

from semoe.evaluation.bootstrap import Interval, interval, paired_bootstrap
from semoe.evaluation.extraction import extractors
from semoe.evaluation.scores import Scores, mean_scores, normalise, score

__all__ = [
    "Interval",
    "Scores",
    "extractors",
    "interval",
    "mean_scores",
    "normalise",
    "paired_bootstrap",
    "score",
]
