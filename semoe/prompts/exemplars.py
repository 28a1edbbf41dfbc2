"""Chain-of-thought exemplars: ours for each dataset, as many as are asked for, or a user's file in that shape."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from semoe.errors import UsageError, unknown_name
from semoe.files import read_json

SHIPPED = ("2wikimultihopqa", "hotpotqa", "cwq", "popqa", "strategyqa", "iirc")
_ALIASES = {"complexwebquestions": "cwq"}


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A worked question; `answer` is the chain with its closing sentence."""

    question: str
    answer: str


def load_exemplars(dataset_or_path: str) -> tuple[Exemplar, ...]:
    """Loads the exemplars of a dataset (`…_golden` uses its stem's), or of a JSON file.

    Raises:
        UsageError: the dataset has none, or the file is not an array of `question` and `answer`.
    """
    if dataset_or_path.endswith(".json"):
        return _parse(read_json(Path(dataset_or_path)), dataset_or_path)
    stem = _stem(dataset_or_path)
    if not has_exemplars(stem):
        raise unknown_name("dataset with exemplars (--with_cot needs them)", stem, SHIPPED)
    file = resources.files("semoe.prompts") / "exemplars_data" / f"{stem}.json"
    return _parse(orjson.loads(file.read_bytes()), stem)


def has_exemplars(dataset: str) -> bool:
    """Whether a dataset has exemplars here."""
    return _stem(dataset) in SHIPPED


def _stem(dataset: str) -> str:
    stem = dataset.removesuffix("_golden")
    return _ALIASES.get(stem, stem)


def fingerprint(exemplars: Sequence[Exemplar]) -> str:
    """Returns a hash of exemplars that tells them from all others; empty for none."""
    text = orjson.dumps([[one.question, one.answer] for one in exemplars])
    return hashlib.sha256(text).hexdigest()[:16] if exemplars else ""


def _parse(records: Any, where: str) -> tuple[Exemplar, ...]:
    try:
        return tuple(Exemplar(str(record["question"]), str(record["answer"])) for record in records)
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"{where}: expected an array of objects with question and answer.", kind="broken-file"
        ) from error
