"""Reads passages from JSON Lines, under the names that corpora in use give their fields; columns have them too."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
            where = f"{path}, line {number}"
            yield passage_of(_object(line, where), where)


def passage_of(found: Mapping[str, Any], where: str) -> Passage:
    """Returns the passage that some named values are.

    Raises:
        UsageError: an id or a text is missing, or is a list or an object.
    """
    passage_id, text = _first(found, IDS), _first(found, TEXTS)
    if text is None and any(name in found for name in TEXTS):
        text = ""  # some of BEIR's have a title alone
    if passage_id is None or not isinstance(text, str) or isinstance(passage_id, (list, dict)):
        raise UsageError(
            f"{where}: expected an id ({', '.join(IDS)}) and a text ({', '.join(TEXTS)}), found {_told(found)}.",
            kind="broken-file",
        )
    title = _first(found, TITLES)
    return Passage(str(passage_id), text, "" if title is None else str(title))


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


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Returns the first of some fields that says anything."""
    return next((found[name] for name in names if found.get(name) not in (None, "")), None)


def _told(found: Mapping[str, Any]) -> str:
    """Says what stands in a record's place: names, and of a field that is known the type."""
    known = (*IDS, *TEXTS)
    told = [f"{name} ({type(one).__name__})" if name in known else name for name, one in found.items()]
    return ", ".join(told) or "nothing"
