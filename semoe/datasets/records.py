"""Help for all loaders: fields of a record, with errors that say which record of which file.

The loaders call it; it knows no dataset. Records are counted from 1 in messages, as people count them.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from semoe.datasets.names_in_cell import names_in_cell
from semoe.errors import UsageError

IDS = ("_id", "id", "ID", "qid")
ANSWERS = ("answer", "answers", "golden_answers")


def broken_record(path: Path, number: int, problem: str) -> UsageError:
    """Builds the error of one record; `problem` says what is wrong and ends with the cure."""
    return UsageError(f"{path}, record {number}: {problem}", kind="broken-record")


def text_field(record: Mapping[str, Any], name: str, path: Path, number: int) -> str:
    """Returns a field that must be a non-empty string; `number` counts records from 1."""
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise broken_record(
            path, number, f"{name} is missing or empty (found: {_told(record)}). Give each record a {name}."
        )
    return value


def id_field(record: Mapping[str, Any], own: str, path: Path, number: int) -> str:
    """Returns a record's id, a text or a number, under the dataset's own name or another one that copies of it have."""
    for name in (own, *IDS):
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return text_field(record, own, path, number)


def answers_field(record: Mapping[str, Any], path: Path, number: int, names: Sequence[str] = ANSWERS) -> list[str]:
    """Returns what one of some fields accepts, one answer or several; nothing where none of them says anything."""
    name = next((name for name in names if record.get(name) not in (None, "", [])), names[0])
    value = record.get(name)
    if isinstance(value, str):
        value = _listed(value) or value
    return texts([value] if isinstance(value, str | int | float) else value, name, path, number)


def _listed(value: str) -> list[object]:
    """Returns the texts of a list that was written as a text, as tables do; nothing where it is a plain text."""
    if not value.strip().startswith("["):
        return []
    with suppress(ValueError):
        found = names_in_cell(value)
        return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else []
    return []


def texts(value: object, name: str, path: Path, number: int) -> list[str]:
    """Returns what must be an array of strings (or numbers) as strings; null is an empty array."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
        raise broken_record(path, number, f"{name} must be an array of strings. Repair it.")
    return [_as_answer(item) for item in value]


def _as_answer(item: str | float) -> str:
    """Returns a text as it is, a whole number without a point (columns of numbers have one), a truth as yes or no."""
    if isinstance(item, bool):
        return "yes" if item else "no"
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


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
    there = sorted(path.name for path in data_path.iterdir()) if data_path.is_dir() else []
    found = f" It holds {', '.join(there[:5])}{', …' if there[5:] else ''}: give the file itself." if there else ""
    raise UsageError(f"{data_path} holds none of {', '.join(wanted)}.{found} Check --data_path.", kind="missing-file")


def _told(record: Mapping[str, Any]) -> str:
    return ", ".join(map(str, record)) or "nothing"
