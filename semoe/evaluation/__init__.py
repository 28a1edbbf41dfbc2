"""Scores of answers, with intervals."""

from semoe.evaluation.bootstrap import Interval, interval, paired_bootstrap
from semoe.evaluation.extraction import extractors
from semoe.evaluation.normalise import normalise
from semoe.evaluation.scores import Scores, score
from semoe.evaluation.table import ReportRow, comparison_table, mean_scores

__all__ = [
    "Interval",
    "ReportRow",
    "Scores",
    "comparison_table",
    "extractors",
    "interval",
    "mean_scores",
    "normalise",
    "paired_bootstrap",
    "score",
]
