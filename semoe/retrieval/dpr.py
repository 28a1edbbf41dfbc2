"""Reads DPR's passage file (`psgs_w100.tsv`) as a stream: header, then id, text, title; CSV quoting, tabs."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

HEADER = ["id", "text", "title"]


def read_passages(path: Path) -> Iterator[Passage]:
    """Yields the passages of a file one by one.

    Raises:
        UsageError: the file is missing or empty, or a line is truncated or has other columns;
            the message has its number.
    """
    if not path.is_file():
        raise UsageError(f"File not found: {path}. Check --data_path.", kind="missing-file")
    with path.open(encoding="utf-8", newline="") as file:
        yield from parse_passages(file, path)


def parse_passages(lines: Iterable[str], path: object) -> Iterator[Passage]:
    """The same from lines with their ends, wherever they come from; `path` is for messages."""
    rows = csv.reader(lines, delimiter="\t", strict=True)
    try:
        if next(rows, None) != HEADER:
            raise UsageError(f"{path}, line 1: expected the header id, text, title.", kind="broken-file")
        yield from _passages(rows, path)
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {rows.line_num}: {error}; the file may be truncated. Download it again.",
            kind="broken-file",
        ) from error


def _passages(rows: Any, path: object) -> Iterator[Passage]:
    count = 0
    for row in rows:
        if len(row) != len(HEADER) or not row[0] or not row[1]:
            raise UsageError(
                f"{path}, line {rows.line_num}: expected 3 columns (id, text, title), found {len(row)}. "
                "The file may be truncated; download it again.",
                kind="broken-file",
            )
        count += 1
        yield Passage(*row)
    if not count:
        raise UsageError(f"{path} holds no passages. Download it again.", kind="empty-file")
