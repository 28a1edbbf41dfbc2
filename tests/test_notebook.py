"""The notebook runs from its first cell to its plot, in a short form."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.demo import quick

NOTEBOOK = Path(__file__).parents[1] / "examples/f1_against_passages.ipynb"
SHORT = 'NUM_QUESTIONS = 1\nPASSAGES = (1, 2)\nWAYS = ("none", "prag")\nPRESET = "quick.toml"\n'


def source(cell: dict[str, Any]) -> str:
    return SHORT if "parameters" in cell["metadata"].get("tags", ()) else "".join(cell["source"])


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * len(cells)
    assert sum(source(cell) == SHORT for cell in cells) == 1


def test_the_notebook_comes_to_its_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").write_text(quick())
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(source(cell), NOTEBOOK.name, "exec"), names)
    assert [len(values) for values in names["f1"].values()] == [2, 2]
    assert all(0 <= value <= 1 for values in names["f1"].values() for value in values)
    assert names["f1"]["none"][0] == names["f1"]["none"][1]
    assert "<svg" in (tmp_path / "f1_against_passages.svg").read_text()
