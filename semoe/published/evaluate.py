"""The verb `evaluate`: scores finished answers again, by any extraction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semoe.evaluation.bootstrap import Interval, interval
from semoe.evaluation.extraction import extractors
from semoe.evaluation.scores import Scores, score
from semoe.files import read_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The scores of one folder of answers, by one extraction."""

    method: str
    extraction: str
    num_questions: int
    em: Interval
    """In percent, over the questions."""
    f1: Interval
    """Likewise."""


def evaluate(folder: Path, extraction: str) -> list[Scores]:
    """Returns the scores of each record of a `predict.json`, in order.

    Raises:
        UsageError: the file is missing or broken, or the extraction is unknown.
    """
    extract = extractors[extraction]
    records = read_json(folder / "predict.json")
    return [score(extract(record["text"], record["question"]), record["answer"]) for record in records]


def evaluate_all(folders: Sequence[Path], extractions: Sequence[str]) -> list[Evaluation]:
    """Evaluates each folder by each extraction.

    Raises:
        UsageError: a file is missing or broken, or an extraction is unknown.
    """
    return [_evaluated(folder, extraction) for folder in folders for extraction in extractions]


def _evaluated(folder: Path, extraction: str) -> Evaluation:
    scores = evaluate(folder, extraction)
    return Evaluation(
        method=folder.parent.name,
        extraction=extraction,
        num_questions=len(scores),
        em=interval([100 * one.em for one in scores]),
        f1=interval([100 * one.f1 for one in scores]),
    )
