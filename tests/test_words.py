"""Counts in words: of one there is one, of several several; and no message counts by itself."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from semoe.words import counted

PACKAGE = Path(__file__).parents[1] / "semoe"
A_COUNT = re.compile(r"(^|[._(])(len\(|num_\w+|count\b|total\b)")
SEVERAL = re.compile(r" (?:(?!of )[a-z-]+ )?(?!has\b|is\b|this\b)[a-z]{3,}s\b")
ALWAYS_SEVERAL = {
    "cli/experts/spaces.py", "store/kept_states.py", "store/merged.py", "models/config_values.py",
    "cli/cluster/checks.py", "stages/corpus_range.py",
}  # fmt: skip
"""Modules whose only such counts are never one, or are part of a corpus's identity."""


@pytest.mark.parametrize(
    ("count", "what", "said"),
    [
        (1, "expert", "1 expert"),
        (0, "expert", "0 experts"),
        (23222, "worked example", "23,222 worked examples"),
        (2, "query", "2 queries"),
        (1, "query", "1 query"),
        (2, "switch", "2 switches"),
        (2, "way", "2 ways"),
        (2, "merge weight", "2 merge weights"),
    ],
)
def test_a_count_is_said_as_people_do(count: int, what: str, said: str) -> None:
    assert counted(count, what) == said


def by_itself(source: str) -> list[str]:
    """The counts in f-strings that stand before a word in the plural."""
    found = []
    for node in ast.walk(ast.parse(source)):
        values = node.values if isinstance(node, ast.JoinedStr) else []
        for one, behind in pairwise(values):
            if isinstance(one, ast.FormattedValue) and isinstance(behind, ast.Constant):
                expression = ast.unparse(one.value)
                is_count = A_COUNT.search(expression) and not expression.startswith("counted(")
                found += [f"{expression}{behind.value}"] if is_count and SEVERAL.match(str(behind.value)) else []
    return found


def test_no_message_counts_by_itself() -> None:
    found = {
        name: counts
        for path in PACKAGE.rglob("*.py")
        if (name := path.relative_to(PACKAGE).as_posix()) not in ALWAYS_SEVERAL
        if (counts := by_itself(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "say it with semoe.words.counted"
    assert by_itself('f"{len(rows):,} states of space {space}"') == ["len(rows) states of space "]
