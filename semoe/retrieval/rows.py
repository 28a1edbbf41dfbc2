"""Lines of a tab-separated file become rows, with CSV's quotes or without; each knows the line that it began in."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from semoe.errors import UsageError

MOST_CHARACTERS = 16 << 20
"""Of a field. What a quote opens and none closes would otherwise be read to the end of the corpus, into memory."""
CURE = (
    "If quotes mean nothing in this file, give --quoting none to `semoe index`, or to `semoe plan` for a run of "
    "another name"
)


class Row(NamedTuple):
    """A record."""

    number: int
    """Of its first line, from 1."""
    fields: list[str]
    num_lines: int = 1


def split_rows(lines: Iterable[str], where: object, *, quoted: bool) -> Iterator[Row]:
    """Yields each row as soon as its last line was taken; empty lines are no rows.

    Args:
        lines: with their ends.
        where: for messages.
        quoted: as CSV; otherwise a quote is a character like others.

    Raises:
        UsageError: what stands behind a quote is no CSV; the message has the line in which the record began.
    """
    rest = iter(lines)
    number = 0
    csv.field_size_limit(MOST_CHARACTERS)
    for line in rest:
        number += 1
        if not line.strip("\r\n"):
            continue
        if quoted and (line.startswith('"') or '\t"' in line):
            row = _quoted_row(chain((line,), rest), where, number)
            yield row
            number += row.num_lines - 1
        else:
            yield Row(number, line.rstrip("\r\n").split("\t"))


def _quoted_row(lines: Iterator[str], where: object, number: int) -> Row:
    rows = csv.reader(lines, delimiter="\t", strict=True)
    try:
        return Row(number, next(rows), rows.line_num)
    except csv.Error as error:
        raise UsageError(
            f"{where}, line {number}: {_cause(str(error), number, rows.line_num)}", kind="broken-file"
        ) from error


def _cause(said: str, number: int, num_lines: int) -> str:
    """Says in words what Python's csv found behind a quotation mark."""
    last = number + num_lines - 1
    if "field larger" in said:
        return f"a quote opens a field here that is not closed within {MOST_CHARACTERS >> 20} MiB. {CURE}."
    if "unexpected end" in said:
        return (
            f"a quote opens a field here that is not closed until the end, line {last}. {CURE}; "
            "otherwise the file broke off: download it again."
        )
    if "expected after" in said:
        at = "" if last == number else f" (line {last})"
        return (
            f"a quote opens a field here, and behind the next one{at} stands more than a tab. {CURE}; otherwise double "
            "the quotes within a quoted field."
        )
    return f"{said}. {CURE}; otherwise write that field within quotes."
