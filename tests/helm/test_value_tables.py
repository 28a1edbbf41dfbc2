"""Every value of both charts stands in the table of its page, and no other."""

import re
from collections.abc import Mapping

import pytest

from tests.helm.charts import CHARTS
from tests.helm.every_value import leaves

TABLES = {
    "workers": CHARTS.parent / "docs" / "kubernetes.md",
    "elasticsearch": CHARTS / "elasticsearch" / "README.md",
}
WORD = re.compile(r"`([^`]+)`")


def told(text: str) -> dict[str, set[str]]:
    """The values that the rows below "The values" begin with, and the words in quotes that follow each."""
    table = re.split(r"^#+ The values$", text, flags=re.MULTILINE)[1]
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| `.*\|$", re.split(r"\n(?:#|Nearly all)", table)[0], flags=re.MULTILINE):
        _, first, *others = row.split("|")
        last = ""
        for word in WORD.findall(first):
            last = last.rpartition(".")[0] + word if word.startswith(".") else word
            found[last] = set(WORD.findall("|".join(others)))
    return found


def untold(rows: Mapping[str, set[str]], values: set[str]) -> set[str]:
    """The values that neither begin a row nor are named behind a group that does."""
    return {
        value
        for value in values - set(rows)
        if not any(value.startswith(f"{row}.") and value.rpartition(".")[2] in words for row, words in rows.items())
    }


@pytest.mark.parametrize("chart", TABLES)
def test_a_table_has_every_value_of_its_chart_and_no_other(chart: str) -> None:
    rows = told(TABLES[chart].read_text(encoding="utf-8"))
    assert untold(rows, {".".join(key) for key in leaves(CHARTS / chart)}) == set()
    assert set(rows) - {".".join(key) for key in leaves(CHARTS / chart, groups=True)} == set()


def test_a_value_that_lacks_is_seen() -> None:
    rows = told("# The values\n| `a.b`, `.c` | x |\n| `d` | `e` |\n\nNearly all")
    assert list(rows) == ["a.b", "a.c", "d"]
    assert untold(rows, {"a.b", "a.c", "d.e", "d.f", "g"}) == {"d.f", "g"}
