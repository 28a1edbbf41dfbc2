"""IIRC (`dev.json`): passages, each with questions that need other articles too, no types. Source: arXiv 2011.07127.

As DRAGIN reads it: questions that have no answer are left out, each span is an accepted answer, a value is one without
its unit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import broken_record, find_file, id_field, text_field, unique

FILES = ("dev.json",)


def load_iirc(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order; a place in the file counts those that have an answer."""
    path = find_file(data_path, FILES)
    position = 0
    for number, record in enumerate(read_records(path), 1):
        for asked in _list(record, "questions", path, number):
            accepted = _answers(asked.get("answer"), path, number)
            if accepted is None:
                continue
            yield Question(
                qid=id_field(asked, "qid", path, number),
                test_id=position,
                question=text_field(asked, "question", path, number),
                answers=unique(accepted, path, number),
            )
            position += 1


def _answers(answer: Any, path: Path, number: int) -> list[str] | None:
    """Returns what is accepted; None for a question without an answer."""
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind == "none":
        return None
    if kind == "span":
        return [str(span.get("text") or "").strip() for span in _list(answer, "answer_spans", path, number)]
    if kind in ("value", "binary"):
        return [str(answer.get("answer_value") or "").strip()]
    raise broken_record(
        path, number, "an answer is of another type than none, span, value, binary. Take the original file."
    )


def _list(record: dict[str, Any], name: str, path: Path, number: int) -> list[dict[str, Any]]:
    value = record.get(name)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise broken_record(path, number, f"{name} is not an array of objects. Take the dataset's original file.")
    return value
