"""Reads passages from a tab-separated file as a stream, with CSV's quotes or none: a header, then what its names say.

DPR's `psgs_w100.tsv` has id, text, title. Others have them in another order, more columns, or no title.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from semoe.errors import UsageError
from semoe.retrieval.blank import at_least_one, without_blank
from semoe.retrieval.fields import IDS, TEXTS, TITLES
from semoe.retrieval.passage import Passage
from semoe.retrieval.rows import CURE, Row, split_rows
from semoe.words import counted

log = logging.getLogger(__name__)

HEADER = ("id", "text", "title")
"""DPR's, and how messages name what is wanted."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are a passage's."""

    names: tuple[str, ...] = HEADER
    """Of all columns, as the header has them."""

    def __post_init__(self) -> None:
        if not self.are_known(self.names):
            raise ValueError(f"no passage has the columns {self.names}")

    @staticmethod
    def are_known(names: Sequence[str]) -> bool:
        """Whether there is one for an id and one for a text."""
        return not set(IDS).isdisjoint(names) and not set(TEXTS).isdisjoint(names)

    @property
    def places(self) -> tuple[int, int, int | None]:
        """Where id, text and title stand; a table may have no title."""
        at_id, at_text, at_title = (
            next((self.names.index(one) for one in known if one in self.names), None) for known in (IDS, TEXTS, TITLES)
        )
        assert at_id is not None
        assert at_text is not None
        return at_id, at_text, at_title

    def is_whole(self, row: Sequence[str]) -> bool:
        """Whether a row is a passage: as many columns, with an id."""
        return len(row) == len(self.names) and bool(row[self.places[0]])


DPR = Columns()


def columns_in(line: str, *, quoted: bool) -> Columns | None:
    """Returns the columns that a header names; None where a line is no header of passages."""
    try:
        names = [tuple(row.fields) for row in split_rows([line], "", quoted=quoted)]
    except UsageError:
        return None
    is_header = bool(names) and Columns.are_known(names[0]) and "\r" not in line.strip()
    return Columns(names[0]) if is_header else None


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


def parse_rows(
    lines: Iterable[str], path: object, *, columns: Columns | None = None, quoted: bool = True
) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its last line was taken.

    Args:
        lines: with their ends.
        path: for messages.
        columns: which they have; None: the first of the lines is the header that says so.
        quoted: as CSV; otherwise a quote is a character like others.

    Raises:
        UsageError: a line is truncated, or has other columns; the message has the line in which the record began,
            counted in `lines`.
    """
    lines = iter(lines)
    has_header = columns is None
    columns = columns or _header(next(lines, ""), path, quoted=quoted)
    at_id, at_text, at_title = columns.places
    # The header is read already, and counts as a line.
    warned = False
    for row in split_rows(chain(("\n",) if has_header else (), lines), path, quoted=quoted):
        fields = row.fields
        if len(fields) != len(columns.names) or not fields[at_id]:
            raise UsageError(f"{path}, line {row.number}: {_cause(fields, columns)}", kind="broken-file")
        if row.num_lines > 1 and not warned:
            warned = _warn_of_swallowed(row, path)
        yield Passage(fields[at_id], fields[at_text], "" if at_title is None else fields[at_title])


def _warn_of_swallowed(row: Row, path: object) -> bool:
    """Warns where a field holds what looks like other records: a quote that was meant as text may have opened it."""
    is_odd = any("\n" in field and "\t" in field for field in row.fields)
    if is_odd:
        log.warning(
            "%s, line %d: a quoted field holds %d lines with tabs in them, as if other records had got into it. %s.",
            path, row.number, row.num_lines, CURE,
        )  # fmt: skip
    return is_odd


def _header(line: str, path: object, *, quoted: bool) -> Columns:
    columns = columns_in(line, quoted=quoted)
    if columns:
        return columns
    raise UsageError(
        f"{path}, line 1: expected the header id, text, title, with tabs between them, found {line.strip()[:80]!r}. "
        f"{_cure(line.strip(), path)}",
        kind="broken-file",
    )


def _cure(line: str, path: object) -> str:
    """Says what makes a header of a file's first line, or puts one before it."""
    if "\r" in line:
        return "Its lines end in carriage returns alone: convert it (tr '\\r' '\\n')."
    if Columns.are_known(line.replace('"', "").split(",")):
        return "Its columns are separated by commas: convert it to tabs, or to JSON Lines."
    cat = "zcat" if str(path).endswith(".gz") else "cat"
    names = {2: "id\\ttext", 4: "docid\\turl\\ttitle\\tbody"}.get(line.count("\t") + 1, "id\\ttext\\ttitle")
    return (
        f"Name its columns; others than an id ({', '.join(IDS)}), a text ({', '.join(TEXTS)}) and a title are passed "
        f"over. Where it has no header, give it one: (printf '{names}\\n'; {cat} {path}) > named.tsv"
    )


def _cause(row: list[str], columns: Columns) -> str:
    if len(row) == len(columns.names):
        return "the id is empty. Give the passage one."
    cure = (
        "A text may hold a tab; write it as a space."
        if len(row) > len(columns.names)
        else "A text may hold a line's end without quotes, or the file may be truncated; download it again."
    )
    return f"expected {counted(len(columns.names), 'column')} ({', '.join(columns.names)}), found {len(row)}. {cure}"
