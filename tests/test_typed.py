"""What a user wrote in JSON or TOML becomes a typed record, or an error that names the key, the value and the cure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from semoe.errors import UsageError
from semoe.typed import build


@dataclass(frozen=True, kw_only=True)
class Inner:
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Outer:
    """One field of every kind that records have."""

    name: str
    is_on: bool = False
    whole: int = 0
    part: float = 0.0
    many: tuple[str, ...] = ()
    pairs: list[int] = field(default_factory=list)
    perhaps: int | None = None
    switch: bool | None = None
    choice: Literal["a", "b"] = "a"
    number: Literal[1, 2] = 1
    where: Path = Path()
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    "values",
    [
        {"is_on": True, "whole": -3, "part": 2.5, "many": ("x",), "pairs": [1, 2]},
        {"perhaps": None, "switch": None, "choice": "b", "number": 2, "inner": Inner(count=2)},
        {"perhaps": 4, "switch": False},
    ],
)
def test_what_is_of_its_kind_is_taken(values: dict[str, Any]) -> None:
    given = {name: {"count": 2} if name == "inner" else value for name, value in values.items()}
    assert build(Outer, {"name": "n"} | given, "file") == Outer(name="n", **values)


def test_arrays_become_tuples_and_whole_numbers_fractions() -> None:
    made = build(Outer, {"name": "n", "many": ["x", "y"], "part": 1}, "file")
    assert (made.many, repr(made.part)) == (("x", "y"), "1.0")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("is_on", "false", "is_on must be true or false, not 'false'. Write true or false, without quotes"),
        ("is_on", "", "must be true or false"),
        ("is_on", 0, "must be true or false, not 0"),
        ("is_on", 1, "must be true or false, not 1"),
        ("is_on", None, "must be true or false, not None"),
        ("is_on", [True], "must be true or false"),
        ("switch", "true", "switch must be true or false"),
        ("switch", 1, "switch must be true or false"),
        ("whole", True, "whole must be a whole number, not True"),
        ("whole", "3", "not '3'. Write it without quotes"),
        ("whole", 3.0, "not 3.0"),
        ("whole", None, "must be a whole number"),
        ("perhaps", "3", "perhaps must be a whole number"),
        ("perhaps", False, "perhaps must be a whole number"),
        ("part", "0.5", "part must be a number, not '0.5'. Write it without quotes"),
        ("part", True, "part must be a number"),
        ("part", float("nan"), "part must be a finite number"),
        ("part", float("-inf"), "part must be a finite number"),
        ("part", 10**400, "part must be a finite number"),
        ("name", 7, "name must be a text, not 7. Write it in quotes"),
        ("name", ["n"], "name must be a text"),
        ("name", {"n": 1}, "name must be a text"),
        ("many", "x", "many must be an array"),
        ("many", ["x", 1], "many, value 2 must be a text"),
        ("many", {"x": 1}, "many must be an array"),
        ("pairs", [1, "2"], "pairs, value 2 must be a whole number"),
        ("choice", "c", "value of choice in file"),
        ("choice", ["a"], "value of choice"),
        ("number", True, "value of number"),
        ("number", "1", "value of number"),
        ("where", 1, "where must be a path"),
        ("inner", 3, "inner must be a table"),
        ("inner", [], "inner must be a table"),
        ("inner", {"cuont": 1}, "Did you mean 'count'"),
        ("inner", {"count": "1"}, "inner: count must be a whole number"),
        ("nam", 1, "Did you mean 'name'"),
    ],
)
def test_what_is_of_another_kind_is_named_with_its_key(key: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(Outer, {"name": "n", key: value}, "file")
    assert words in str(caught.value)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(UsageError) as caught:
        build(Outer, {"name": list(range(1000))}, "file")
    assert len(str(caught.value)) < 150


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UsageError, match="file: key name is missing"):
        build(Outer, {}, "file")
