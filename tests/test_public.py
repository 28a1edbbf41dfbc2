"""What `import semoe` offers: these names and no others, explained, with examples that run; importing costs nothing."""

import ast
import doctest
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import semoe
from tests.demo import quick

ROOT = Path(__file__).parents[1]
PUBLIC = {
    "Asker", "Doubt", "Draft", "Engine", "InferenceSettings", "OneGo", "Passage", "Recipe", "Request",
    "RetrievalConfig", "SwitchSettings", "__version__", "index_passages", "load_model", "methods", "open_retriever",
    "open_store", "read_report", "score", "train_experts",
}  # fmt: skip
NAMES = sorted(PUBLIC - {"__version__", "methods"})


def test_the_public_names_are_these() -> None:
    """A name that goes breaks somebody's code: that wants a line in the changelog."""
    assert set(semoe.__all__) == set(dir(semoe)) == PUBLIC


def test_the_types_tell_of_the_same_names() -> None:
    tree = ast.parse((ROOT / "semoe/__init__.pyi").read_text())
    imported = {one.asname or one.name: f"{node.module}:{one.name}" for node in tree.body
                if isinstance(node, ast.ImportFrom) for one in node.names}  # fmt: skip
    assert imported == {name: at if ":" in at else f"{at}:{name}" for name, at in semoe._PLACES.items()}  # type: ignore[attr-defined]
    (exported,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert set(ast.literal_eval(exported)) == PUBLIC


def test_the_page_names_each_of_them() -> None:
    page = (ROOT / "docs/python.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) == PUBLIC


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_an_example_that_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").write_text(quick())
    text = inspect.getdoc(getattr(semoe, name)) or ""
    found = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert found.examples
    said: list[str] = []
    assert doctest.DocTestRunner().run(found, out=said.append).failed == 0, "".join(said)


def test_an_unknown_name_is_told_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'semoe' has no attribute 'Engin'"):
        semoe.Engin  # noqa: B018


def test_importing_it_loads_nothing() -> None:
    look = "import sys; before = set(sys.modules); import semoe; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names == {"semoe"}
    assert "semoe.errors" not in done.stdout
