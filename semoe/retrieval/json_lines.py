"""Reads passages from JSON Lines, an object a line."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from semoe.errors import UsageError
from semoe.retrieval.fields import passage_of
from semoe.retrieval.passage import Passage


def parse_json_lines(lines: Iterable[str], path: object) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its line was taken; empty lines are none.

    Args:
        lines: an object each, with an id, a text, and a title where there is one (`semoe.retrieval.fields`).
        path: for messages.

    Raises:
        UsageError: a line is no such object; the message has its number, counted in `lines`.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{path}, line {number}"
            yield passage_of(_object(line, where), where)


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except ValueError as error:
        cure = (
            "A line must be a whole JSON object: jq -c . writes it so."
            if line.strip() in "{["
            else "A line is a JSON object; the file may be truncated. Download it again, or repair that line."
        )
        raise UsageError(f"{where}: {error}. {cure}", kind="broken-file") from error
    if not isinstance(found, dict):
        raise UsageError(f"{where}: expected an object, found {type(found).__name__}.", kind="broken-file")
    return found
