"""Values that a user wrote in JSON or TOML, made fit for a typed record or named as what they are not.

Nothing is guessed: `"false"` is a text and no truth value, `"3"` is no number, `1` is no `true`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from semoe.errors import UsageError, unknown_name

T = TypeVar("T")
SHOWN = 60
"""Characters of a wrong value that a message repeats."""
_NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?", re.IGNORECASE)
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path, as a text",
}


def build(kind: type[T], values: Any, where: str) -> T:
    """Builds a record from parsed values.

    Args:
        kind: a dataclass; its annotations say what its fields take.
        values: by name.
        where: begins messages.

    Raises:
        UsageError: no table of values, an unknown or a missing key, or a value of another kind than its field.
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} must be a table of settings, not {_shown(values)}.", kind="bad-value")
    known = get_type_hints(kind)
    for key in values:
        if key not in known:
            raise unknown_name(f"key in {where}:", str(key), known)
    made = {key: checked(value, known[key], f"{where}: {key}") for key, value in values.items()}
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name not in made and one.default is MISSING and one.default_factory is MISSING:
            raise UsageError(f"{where}: key {one.name} is missing.", kind="missing-key")
    return kind(**made)


def checked(value: Any, annotation: Any, where: str, *, finite: bool = True) -> Any:
    """Returns a value as its annotation has it: a whole number as a fraction where one is meant, an array as a tuple.

    Args:
        value: as JSON or TOML gives it.
        annotation: `bool`, `int`, `float`, `str`, `Path`, a `Literal`, a dataclass, a tuple or list of one kind, or any
            of these or nothing (`| None`).
        where: begins messages, and names the key.
        finite: whether a number must be finite.

    Raises:
        UsageError: it is of another kind; the message says what is meant.
    """
    if is_dataclass(annotation) and isinstance(annotation, type):
        return build(annotation, value, where)
    origin = get_origin(annotation)
    if origin in (UnionType, Union):
        return _any_of(value, get_args(annotation), where, finite)
    if origin is Literal:
        return _one_of(value, get_args(annotation), where)
    if origin in (tuple, list):
        return _all_of(value, origin, get_args(annotation)[0], where, finite)
    return _plain(value, annotation, where, finite)


def _any_of(value: Any, kinds: Sequence[Any], where: str, finite: bool) -> Any:
    """Checks against the one kind that stands beside None."""
    (kind,) = (one for one in kinds if one is not NoneType)
    return None if value is None else checked(value, kind, where, finite=finite)


def _one_of(value: Any, choices: Sequence[Any], where: str) -> Any:
    if not any(value == one and type(value) is type(one) for one in choices):
        place, _, key = where.rpartition(": ")
        raise unknown_name(f"value of {key} in {place}:", str(value), map(str, choices))
    return value


def _all_of(value: Any, container: Any, kind: Any, where: str, finite: bool) -> Any:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{where} must be an array, [ … ], not {_shown(value)}.", kind="bad-value")
    return container(checked(one, kind, f"{where}, value {n}", finite=finite) for n, one in enumerate(value, 1))


def _plain(value: Any, kind: Any, where: str, finite: bool) -> Any:
    takes = {float: (int, float), Path: (str, Path)}.get(kind, (kind,))
    # To Python a truth value is a number.
    if not isinstance(value, takes) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{where} must be {_WORDS[kind]}, not {_shown(value)}.{_cure(value, kind)}", kind="bad-value")
    if kind is not float:
        return value
    number = _as_float(value)
    if finite and not math.isfinite(number):
        raise UsageError(f"{where} must be a finite number, not {_shown(value)}.", kind="bad-value")
    return number


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _cure(value: Any, kind: Any) -> str:
    if kind is bool:
        return " Write true or false, without quotes."
    if kind in (int, float) and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return " Write it without quotes."
    if kind in (str, Path) and not isinstance(value, list | dict | None):
        return " Write it in quotes."
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
