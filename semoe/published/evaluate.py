"""Stage `evaluate`: scores finished answers again, by any extraction."""

from pathlib import Path

from semoe.evaluation import Scores, extractors, score
from semoe.files import read_json


def evaluate(folder: Path, extraction: str) -> list[Scores]:
    """Returns the scores of each record of a `predict.json`, in order.

    Raises:
        UsageError: the file is missing or broken, or the extraction is unknown.
    """
    extract = extractors[extraction]
    records = read_json(folder / "predict.json")
    return [score(extract(record["text"], record["question"]), record["answer"]) for record in records]
