"""Reads single values of a parsed `config.json`: each is checked, and an error names its key.

Knows no model: what a key means and which value stands in for a missing one is said by whoever asks.
"""

import math
from collections.abc import Mapping
from typing import Any

from semoe.errors import UsageError

CURE = "Correct it, or take config.json again from whoever published the model."


class Values:
    """A JSON object, read key by key.

    Args:
        raw: the parsed object.
        where: what errors call it, such as the file's path.
    """

    def __init__(self, raw: Mapping[str, Any], where: str = "config.json") -> None:
        self.raw = raw
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the key is there with a value other than null."""
        return self.raw.get(key) is not None

    def whole(self, key: str, default: int | None = None) -> int:
        """Returns a positive whole number; without a default the key is required.

        Raises:
            UsageError: the key lacks or has another value; so do the methods below.
        """
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.wrong(key, "a positive whole number")
        return value

    def number(self, key: str, default: float | None = None, *, zero: bool = False) -> float:
        """Returns a positive finite number; where `zero`, 0 will do too."""
        value = self._value(key, default)
        if not _is_number(value) or not (value > 0 or (zero and value == 0)):
            raise self.wrong(key, "a number of 0 or more" if zero else "a positive number")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        """Returns a list of that many positive numbers."""
        value = self._value(key, None)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(one) and one > 0 for one in value):
            raise self.wrong(key, f"a list of {count} positive numbers")
        return tuple(float(one) for one in value)

    def flag(self, key: str, default: bool) -> bool:
        """Returns true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def is_on(self, key: str) -> bool:
        """Returns a switch that is off where it lacks or is null."""
        return self.has(key) and self.flag(key, default=False)

    def text(self, key: str, default: str) -> str:
        """Returns a string."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def section(self, key: str) -> "Values":
        """Returns the object under a key; an empty one where the key lacks or is null."""
        value = self.raw.get(key)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(key, "an object or null")
        return Values(value or {}, f"{self.where}: {key}")

    def wrong(self, key: str, wanted: str) -> UsageError:
        """Builds the error for a value that is not what it should be."""
        return UsageError(
            f"{self.where}: {key} must be {wanted}, not {_shown(self.raw.get(key))}. {CURE}", kind="model"
        )

    def refused(self, reason: str) -> UsageError:
        """Builds the error for what the decoder does not compute."""
        return UsageError(f"{self.where}: {reason}", kind="model")

    def _value(self, key: str, default: Any) -> Any:
        if key in self.raw:
            return self.raw[key]
        if default is None:
            raise UsageError(f"{self.where} lacks {key}. {CURE}", kind="model")
        return default


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    """A value as JSON writes it, cut where it is long."""
    names = {None: "null", True: "true", False: "false"}
    text = names[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
