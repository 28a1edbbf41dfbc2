"""The passages that support an answer, in the layouts in which HotpotQA and 2WikiMultihopQA are to be had.

The originals have arrays of pairs. Copies on the hub have an object of lists, an array of objects, or either as JSON
within a text.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from semoe.datasets.records import broken_record

_TITLE = "title"
_SENTENCES = ("sentences", "content", "paragraph_text")
_PLACES = ("sent_id", "sent_idx")


def with_metadata(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record with what some copies keep in `metadata`, as FlashRAG's do."""
    more = record.get("metadata")
    return more | record if isinstance(more, dict) else record


def golden_passages(record: Mapping[str, Any], joint: str, path: Path, number: int) -> tuple[str, ...]:
    """Returns the texts of the supporting passages, sentences joined by `joint`, repeats dropped.

    Raises:
        UsageError: they are written in a layout that is not known.
    """
    pairs = _pairs(record, "context", _SENTENCES, path, number)
    try:
        context = {title: _joined(text, joint) for title, text in pairs}
    except TypeError as error:
        raise broken_record(path, number, f"context holds no sentences for a title ({error}).") from error
    return tuple(context[title] for title in golden_titles(record, path, number) if title in context)


def golden_titles(record: Mapping[str, Any], path: Path, number: int) -> tuple[str, ...]:
    """Returns the titles of the supporting passages, repeats dropped; errors: `golden_passages`."""
    return tuple(dict.fromkeys(title for title, _ in _pairs(record, "supporting_facts", _PLACES, path, number)))


def _joined(text: Any, joint: str) -> str:
    return text if isinstance(text, str) else joint.join(map(str, text))


def _pairs(
    record: Mapping[str, Any], name: str, seconds: Sequence[str], path: Path, number: int
) -> list[tuple[str, Any]]:
    """Returns titles, each with what belongs to it."""
    try:
        value = record.get(name)
        value = orjson.loads(value) if isinstance(value, str) else value
        if isinstance(value, dict):
            second = next(one for one in seconds if one in value)
            return [(str(title), one) for title, one in zip(value[_TITLE], value[second], strict=True)]
        return [_pair(item, seconds) for item in value or []]
    except (KeyError, StopIteration, TypeError, ValueError) as error:
        raise broken_record(
            path,
            number,
            f"{name} is not an array of pairs (title, {seconds[0]}), nor lists of title and {seconds[0]}. Take the "
            "dataset's original file, or the hub's.",
        ) from error


def _pair(item: Any, seconds: Sequence[str]) -> tuple[str, Any]:
    if isinstance(item, dict):
        return str(item[_TITLE]), next(item[one] for one in seconds if one in item)
    if not isinstance(item, list):
        raise TypeError("neither an array nor an object")
    title, second = item
    return str(title), second
