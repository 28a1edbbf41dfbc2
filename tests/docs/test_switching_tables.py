"""The tables of docs/switching.md name every method and every query formulation, and which is whose default."""

import re
from pathlib import Path

import pytest

from semoe.generation.switching.methods import methods
from semoe.generation.switching.queries import formulations

OURS = tuple(name for name in methods if methods[name].__module__.startswith("semoe."))
"""Other tests add methods of their own."""
ASKED = tuple(name for name in formulations if formulations[name].__module__.startswith("semoe."))
PAGE = Path(__file__).parents[2] / "docs" / "switching.md"


def first_columns(heading: str) -> list[tuple[str, ...]]:
    """The names in code in each row's first cell, of the table under a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(re.findall(r"`([^`]+)`", row.split("|")[1])) for row in rows]


@pytest.mark.parametrize(("heading", "known"), [("When", OURS), ("With what", ASKED)], ids=["methods", "queries"])
def test_every_one_has_its_row(heading: str, known: tuple[str, ...]) -> None:
    assert sorted(name for row in first_columns(heading) for name in row) == sorted(known)


def test_defaults_are_the_first_that_a_method_has() -> None:
    section = PAGE.read_text(encoding="utf-8").split("\n## With what")[1].split("\n## ")[0]
    said: dict[str, str] = {}
    for row in (line for line in section.splitlines() if line.startswith("| `")):
        cells = row.split("|")
        for name in re.findall(r"`([^`]+)`", cells[4]):
            fitting = [one for one in OURS if one.startswith(name.removesuffix("…"))] if "…" in name else [name]
            said |= dict.fromkeys(fitting, re.findall(r"`([^`]+)`", cells[1])[0])
    wanted = {name: methods[name].formulations[0] for name in OURS if name != "non-retrieval"}
    assert said == wanted
