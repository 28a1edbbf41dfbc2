"""Reads DPR's passage file (`psgs_w100.tsv`) as a stream: header, then id, text, title; tabs, CSV quoting or none."""

import logging
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from semoe.errors import UsageError
from semoe.retrieval.blank import at_least_one, without_blank
from semoe.retrieval.passage import Passage
from semoe.retrieval.rows import CURE, Row, split_rows

log = logging.getLogger(__name__)

HEADER = ["id", "text", "title"]


def read_passages(path: Path) -> Iterator[Passage]:
    """Yields the passages of a file one by one.

    Raises:
        UsageError: the file is missing or empty, or a line is truncated or has other columns;
            the message has its number.
    """
    if not path.is_file():
        raise UsageError(f"File not found: {path}. Check --data_path.", kind="missing-file")
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        yield from parse_passages(file, path)


def parse_passages(lines: Iterable[str], path: object) -> Iterator[Passage]:
    """The same from lines with their ends, wherever they come from; `path` is for messages."""
    return at_least_one(without_blank(parse_rows(lines, path), path), path)


def parse_rows(lines: Iterable[str], path: object, *, header: bool = True, quoted: bool = True) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its last line was taken.

    Args:
        lines: with their ends.
        path: for messages.
        header: whether the first of them is the file's header.
        quoted: as CSV; otherwise a quote is a character like others.

    Raises:
        UsageError: a line is truncated, or has other columns; the message has the line in which the record began,
            counted in `lines`.
    """
    lines = iter(lines)
    if header:
        _require_header(next(lines, ""), path, quoted=quoted)
    # The header is read already, and counts as a line.
    warned = False
    for row in split_rows(chain(("\n",) if header else (), lines), path, quoted=quoted):
        if not is_whole(row.fields):
            raise UsageError(f"{path}, line {row.number}: {_cause(row.fields)}", kind="broken-file")
        if row.num_lines > 1 and not warned:
            warned = _warn_of_swallowed(row, path)
        yield Passage(*row.fields)


def is_whole(row: list[str]) -> bool:
    """Whether a row is a passage: three columns, with an id."""
    return len(row) == len(HEADER) and bool(row[0])


def _warn_of_swallowed(row: Row, path: object) -> bool:
    """Warns where a field holds what looks like other records: a quote that was meant as text may have opened it."""
    is_odd = any("\n" in field and "\t" in field for field in row.fields)
    if is_odd:
        log.warning(
            "%s, line %d: a quoted field holds %d lines with tabs in them, as if other records had got into it. %s.",
            path, row.number, row.num_lines, CURE,
        )  # fmt: skip
    return is_odd


def _require_header(line: str, path: object, *, quoted: bool) -> None:
    if [row.fields for row in split_rows([line], path, quoted=quoted)] == [HEADER]:
        return
    found = line.strip()[:80]
    cure = "Give it that first line."
    if "\r" in line.strip():
        cure = "Its lines end in carriage returns alone: convert it (tr '\\r' '\\n')."
    elif line.strip().replace('"', "").split(",") == HEADER:
        cure = "Its columns are separated by commas: convert it to tabs, or to JSON Lines."
    raise UsageError(
        f"{path}, line 1: expected the header id, text, title, with tabs between them, found {found!r}. {cure}",
        kind="broken-file",
    )


def _cause(row: list[str]) -> str:
    if len(row) == len(HEADER):
        return "the id is empty. Give the passage one."
    cure = (
        "A text may hold a tab; write it as a space."
        if len(row) > len(HEADER)
        else "A text may hold a line's end without quotes, or the file may be truncated; download it again."
    )
    return f"expected 3 columns (id, text, title), found {len(row)}. {cure}"
