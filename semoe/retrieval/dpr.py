"""Reads DPR's passage file (`psgs_w100.tsv`) as a stream: header, then id, text, title; CSV quoting, tabs."""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

HEADER = ["id", "text", "title"]


def read_passages(path: Path, on_bytes: Callable[[int], None] | None = None) -> Iterator[Passage]:
    """Yields the passages one by one; `on_bytes` hears of bytes read, about once every thousand passages.

    Raises:
        UsageError: the file is missing or empty, or a line is truncated or has other columns;
            the message has its number.
    """
    if not path.is_file():
        raise UsageError(f"File not found: {path}. Check --data_path.", kind="missing-file")
    with path.open(encoding="utf-8", newline="") as file:
        yield from parse_passages(file, path, on_bytes)


def parse_passages(
    lines: Iterable[str], path: object, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Passage]:
    """The same from lines with their ends, wherever they come from; `path` is for messages."""
    rows = csv.reader(_counted(lines, on_bytes), delimiter="\t", strict=True)
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


def _counted(lines: Iterable[str], on_bytes: Callable[[int], None] | None) -> Iterator[str]:
    read = 0
    for number, line in enumerate(lines, 1):
        read += len(line.encode())
        if on_bytes is not None and number % 1000 == 0:
            on_bytes(read)
            read = 0
        yield line
    if on_bytes is not None:
        on_bytes(read)
