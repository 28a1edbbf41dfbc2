"""Reads DPR's passage file (`psgs_w100.tsv`) as a stream: header, then id, text, title; tabs, CSV quoting or none."""

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
    return at_least_one(parse_rows(lines, path), path)


def at_least_one(passages: Iterable[Passage], path: object) -> Iterator[Passage]:
    """Yields the passages of a whole corpus.

    Raises:
        UsageError: there is none.
    """
    count = 0
    for count, passage in enumerate(passages, 1):  # noqa: B007  (whether there was any, is what is wanted)
        yield passage
    if not count:
        raise UsageError(f"{path} holds no passages. Download it again.", kind="empty-file")


def parse_rows(lines: Iterable[str], path: object, *, header: bool = True, quoted: bool = True) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its last line was taken.

    Args:
        lines: with their ends.
        path: for messages.
        header: whether the first of them is the file's header.
        quoted: as CSV; otherwise a quote is a character like others.

    Raises:
        UsageError: a line is truncated, or has other columns; the message has its number, counted in `lines`.
    """
    rows = csv.reader(lines, delimiter="\t", strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
    try:
        if header and next(rows, None) != HEADER:
            raise UsageError(f"{path}, line 1: expected the header id, text, title.", kind="broken-file")
        for row in rows:
            yield _passage(row, rows, path)
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {rows.line_num}: {error}; the file may be truncated. Download it again.",
            kind="broken-file",
        ) from error


def is_whole(row: list[str]) -> bool:
    """Whether a row is a passage: three columns, with an id and a text."""
    return len(row) == len(HEADER) and bool(row[0] and row[1])


def _passage(row: list[str], rows: Any, path: object) -> Passage:
    if not is_whole(row):
        raise UsageError(
            f"{path}, line {rows.line_num}: expected 3 columns (id, text, title), found {len(row)}. "
            "The file may be truncated; download it again.",
            kind="broken-file",
        )
    return Passage(*row)
