"""PopQA (`popQA.tsv`): one entity a question, no types. Source: arXiv 2212.10511.

Read as the original's table, or as records (JSON Lines, Parquet) with the same names.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from semoe.datasets.names_in_cell import names_in_cell
from semoe.datasets.question import Question
from semoe.datasets.question_file import as_text, is_records, read_data, read_records
from semoe.datasets.records import broken_record, find_file, id_field, text_field, texts, unique
from semoe.errors import UsageError

FILES = ("popQA.tsv", "sample300.tsv")
COLUMNS = ("id", "question", "obj")
_REST = "cells beyond the last column"


def load_popqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order: the object, then its aliases."""
    path = find_file(data_path, FILES)
    data = read_data(path)
    for position, row in enumerate(read_records(path) if is_records(data) else table_rows(as_text(data, path), path)):
        number = position + 1
        yield Question(
            qid=id_field(row, "id", path, number),
            test_id=position,
            question=text_field(row, "question", path, number),
            answers=unique(_answers(row, path, number), path, number),
            golden_titles=(row["s_wiki_title"],) if row.get("s_wiki_title") else (),
        )


def table_rows(text: str, path: Path) -> list[dict[str, str]]:
    """Returns the rows of a tab-separated table, its first line being the names.

    Raises:
        UsageError: it is broken, or no table of PopQA; the message has the line.
    """
    # Not splitlines(): a question may hold a line separator that is none to csv.
    # Strict: otherwise a quote that is never closed would take all that follows for one cell.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", restkey=_REST, strict=True)
    rows: list[dict[str, str]] = []
    try:
        _require_columns(list(reader.fieldnames or ()), path)
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


def _require_columns(found: list[str], path: Path) -> None:
    missing = [column for column in COLUMNS if column not in found]
    if missing:
        told = ", ".join(found)[:80]
        cure = "Separate its columns by tabs." if len(found) == 1 and "," in told else "Is it a PopQA file?"
        raise UsageError(
            f"{path}, line 1: no column {', '.join(missing)}; found {told}. {cure}",
            kind="broken-file",
        )


def _answers(row: Mapping[str, Any], path: Path, number: int) -> list[str]:
    names = [name for column in ("o_aliases", "possible_answers") for name in _names(row, column, path, number)]
    obj = row.get("obj")
    return ["" if obj is None else str(obj), *names]


def _names(row: Mapping[str, Any], column: str, path: Path, number: int) -> list[str]:
    cell = row.get(column)
    try:
        found = names_in_cell(cell) if isinstance(cell, str) else cell
    except ValueError as error:
        raise broken_record(
            path, number, f"{column} is neither a JSON array nor a list of strings ({error}). Repair the cell."
        ) from error
    if isinstance(found, list):
        found = [one for one in found if one is not None]  # a name that is not known
    return texts([found] if isinstance(found, str) else found, column, path, number)
