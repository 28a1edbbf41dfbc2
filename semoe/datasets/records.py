"""Help for all loaders: fields of a record, with errors that say which record of which file.

The loaders call it; it knows no dataset. Records are counted from 1 in messages, as people count them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.files import read_json


def broken_record(path: Path, number: int, problem: str) -> UsageError:
    """Builds the error of one record; `problem` says what is wrong and ends with the cure."""
    return UsageError(f"{path}, record {number}: {problem}", kind="broken-record")


def read_records(path: Path) -> list[dict[str, Any]]:
    """Reads a JSON array of objects.

    Raises:
        UsageError: the file is missing, empty, broken, or something else than an array of objects.
    """
    value = read_json(path)
    if not isinstance(value, list):
        raise UsageError(f"{path}: expected an array of objects. Is it the right file?", kind="broken-file")
    if not value:
        raise UsageError(f"{path} holds no records. Download or make it again.", kind="empty-file")
    for number, record in enumerate(value, 1):
        if not isinstance(record, dict):
            raise broken_record(path, number, "expected an object. Repair or remove it.")
    return value


def text_field(record: Mapping[str, Any], name: str, path: Path, number: int) -> str:
    """Returns a field that must be a non-empty string; `number` counts records from 1."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise broken_record(path, number, f"{name} is missing or empty. Give each record a {name}.")
    return value


def texts(value: object, name: str, path: Path, number: int) -> list[str]:
    """Returns what must be an array of strings (or numbers) as strings; null is an empty array."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
        raise broken_record(path, number, f"{name} must be an array of strings. Repair it.")
    return [str(item) for item in value]


def unique(answers: Iterable[str], path: Path, number: int) -> tuple[str, ...]:
    """Drops repeats and empties, keeping order; a question without an answer is an error."""
    kept = tuple(dict.fromkeys(answer for answer in answers if answer.strip()))
    if not kept:
        raise UsageError(f"{path}, record {number}: the question has no answer. Add or remove it.", kind="no-answer")
    return kept


def find_file(data_path: Path, names: Iterable[str]) -> Path:
    """Returns `data_path` itself if it is a file, else the first of `names` in that folder."""
    if data_path.is_file():
        return data_path
    wanted = list(names)
    for name in wanted:
        if (data_path / name).exists():
            return data_path / name
    raise UsageError(f"{data_path} holds none of {', '.join(wanted)}. Check --data_path.", kind="missing-file")
