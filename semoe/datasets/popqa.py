"""PopQA (`popQA.tsv`): one entity a question, no types. Source: arXiv 2212.10511."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.records import find_file, text_field, unique
from semoe.errors import UsageError
from semoe.files import read_text

FILES = ("popQA.tsv", "sample300.tsv")
COLUMNS = ("id", "question", "obj")


def load_popqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order: the object, then its aliases."""
    path = find_file(data_path, FILES)
    rows = csv.DictReader(read_text(path).splitlines(keepends=True), delimiter="\t")
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise UsageError(f"{path}, line 1: no column {', '.join(missing)}. Is it a PopQA file?", kind="broken-file")
    for position, row in enumerate(rows):
        number = position + 1
        answers = [
            row["obj"] or "",
            *_names(row, "o_aliases", path, number),
            *_names(row, "possible_answers", path, number),
        ]
        yield Question(
            qid=text_field(row, "id", path, number),
            test_id=position,
            question=text_field(row, "question", path, number),
            answers=unique(answers, path, number),
        )


def _names(row: dict[str, str | None], column: str, path: Path, number: int) -> list[str]:
    # Cells are JSON. They are parsed, never evaluated: a data file must not run code.
    try:
        names = json.loads(row.get(column) or "[]")
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path}, record {number}: {column} is not JSON ({error.msg}).", kind="broken-record"
        ) from error
    return [str(name) for name in names]
