"""Reads passages from JSON Lines, under the names that corpora in use give their fields."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from semoe.errors import UsageError
from semoe.retrieval.passage import Passage

IDS, TEXTS, TITLES = ("id", "_id", "docid"), ("text", "contents"), ("title",)


def parse_json_lines(lines: Iterable[str], path: object) -> Iterator[Passage]:
    """Yields the passages of lines, each as soon as its line was taken; empty lines are none.

    Args:
        lines: an object each, with an id (`id`, BEIR's `_id`, `docid`), a text (`text`, Pyserini's `contents`), and a
            `title` where there is one.
        path: for messages.

    Raises:
        UsageError: a line is no such object; the message has its number, counted in `lines`.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _passage(line, f"{path}, line {number}")


def _passage(line: str, where: str) -> Passage:
    try:
        found = orjson.loads(line)
    except ValueError as error:
        raise UsageError(
            f"{where}: {error}. A line is a JSON object; the file may be truncated. Download it again.",
            kind="broken-file",
        ) from error
    if not isinstance(found, dict):
        raise UsageError(f"{where}: expected an object, found {type(found).__name__}.", kind="broken-file")
    passage_id, text = _first(found, IDS), _first(found, TEXTS)
    if text is None and _first(found, TITLES) and any(found.get(name) == "" for name in TEXTS):
        text = ""  # some of BEIR's have a title alone
    if passage_id is None or not isinstance(text, str) or isinstance(passage_id, (list, dict)):
        raise UsageError(
            f"{where}: expected an id ({', '.join(IDS)}) and a text ({', '.join(TEXTS)}), found {', '.join(found)}.",
            kind="broken-file",
        )
    return Passage(str(passage_id), text, str(_first(found, TITLES) or ""))


def _first(found: dict[str, Any], names: Sequence[str]) -> Any:
    """Returns the first of some fields that says anything."""
    return next((found[name] for name in names if found.get(name) not in (None, "")), None)
