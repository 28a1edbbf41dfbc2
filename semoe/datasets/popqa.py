"""PopQA (`popQA.tsv`): one entity a question, no types. Source: arXiv 2212.10511.

Cells with several names are JSON. They are parsed, never evaluated: a data file must not run code.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.records import broken_record, find_file, text_field, texts, unique
from semoe.errors import UsageError
from semoe.files import read_text

FILES = ("popQA.tsv", "sample300.tsv")
COLUMNS = ("id", "question", "obj")
_REST = "cells beyond the last column"


def load_popqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order: the object, then its aliases."""
    path = find_file(data_path, FILES)
    for position, row in enumerate(_rows(path)):
        number = position + 1
        yield Question(
            qid=text_field(row, "id", path, number),
            test_id=position,
            question=text_field(row, "question", path, number),
            answers=unique(_answers(row, path, number), path, number),
            golden_titles=(row["s_wiki_title"],) if row.get("s_wiki_title") else (),
        )


def _rows(path: Path) -> list[dict[str, str]]:
    # Not splitlines(): a question may hold a line separator that is none to csv.
    # Strict: otherwise a quote that is never closed would take all that follows for one cell.
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter="\t", restkey=_REST, strict=True)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise UsageError(f"{path}, line 1: no column {', '.join(missing)}. Is it a PopQA file?", kind="broken-file")
    rows: list[dict[str, str]] = []
    try:
        for row in reader:
            if _REST in row or None in row.values():
                raise broken_record(
                    path, len(rows) + 1, f"line {reader.line_num} has not as many cells as line 1. Repair it."
                )
            rows.append(row)
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {reader.line_num}: broken TSV ({error}). Look for a quote that is never closed.",
            kind="broken-file",
        ) from error
    if not rows:
        raise UsageError(f"{path} holds no records. Download or make it again.", kind="empty-file")
    return rows


def _answers(row: dict[str, str], path: Path, number: int) -> list[str]:
    names = [name for column in ("o_aliases", "possible_answers") for name in _names(row, column, path, number)]
    return [row["obj"], *names]


def _names(row: dict[str, str], column: str, path: Path, number: int) -> list[str]:
    try:
        return texts(json.loads(row.get(column) or "[]"), column, path, number)
    except json.JSONDecodeError as error:
        raise broken_record(path, number, f"{column} is not JSON ({error.msg}). Repair the cell.") from error
