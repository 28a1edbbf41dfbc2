"""What is told of a run's objects is what the code writes and reads."""

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import semoe.runs.folder

PACKAGE = Path(str(resources.files("semoe")))
CALLS = ("write", "create", "put", "find", "read", "read_all", "names")
OBJECT = re.compile(r"([a-z]+)(?:/|\.json$|\.bin$)")


def used() -> Iterator[str]:
    """Yields the beginning of each name that the code gives to an object of a run."""
    for folder in ("runs", "worker", "cli"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
                    name = ast.unparse(node.args[0]) if node.args else ""
                    if found := OBJECT.match(re.sub(r"^f?['\"](\{self\._root\}/)?", "", name).rstrip("'\"")):
                        yield found[1]


def listed(text: str) -> set[str]:
    """Returns the same of a list with a line for each object or two."""
    names = [name for line in text.splitlines() for name in re.split(r"\s{2,}", line.strip())[0].split(", ")]
    return {found[1] for name in names if (found := OBJECT.match(name.removeprefix("runs/{run}/")))}


def test_every_object_of_a_run_is_described_and_no_other() -> None:
    there = set(used())
    assert {"plan", "questions", "keys", "estimate", "outcome", "failures", "answers"} <= there
    assert listed(semoe.runs.folder.__doc__ or "") == there
    page = (PACKAGE.parent / "docs" / "store-format.md").read_text(encoding="utf-8")
    assert listed(page.partition("## Runs")[2].split("```")[1]) == there
