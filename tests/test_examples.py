"""Every example runs as a person runs it, is short, and is named by the docs."""

import re
import runpy
import sys
from pathlib import Path

import pytest

import semoe
from semoe.store.expert_store import ExpertStore
from semoe.store.export import export_expert
from semoe.store.objects import Objects
from semoe.store.objects.testing import ObjectsContract
from tests.demo import quick
from tests.small_run import finish, planned

FOLDER = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick.toml").write_text(quick())
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    capsys.readouterr()
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def trained(place: Path) -> ExpertStore:
    """The experts of two short passages."""
    model, recipe = semoe.load_model("smollm2"), semoe.Recipe.of("smollm2", "quick.toml")
    passages = [
        semoe.Passage(str(n), f"{name} Kivi (born 3 May 1950 in Turku) is a Finnish painter.", f"{name} Kivi")
        for n, name in enumerate(("Aino", "Pekka"))
    ]
    store = semoe.open_store(place / "store")
    semoe.train_experts(model, recipe, passages, store)
    return ExpertStore(store, recipe.space(model).name)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_named(name: str) -> None:
    assert (FOLDER / f"{name}.py").read_text().count("\n") < 60
    assert f"| `{name}.py` |" in (FOLDER.parent / "docs/python.md").read_text()


def test_one_expert_changes_an_answer(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(capsys, monkeypatch, "train_one_expert", "quick.toml")
    assert "1 trained, 0 were there" in told
    assert re.findall(r"^(\w+): '.+', at least [01]\.\d\d", told, re.MULTILINE) == ["none", "prag"]


def test_three_notes_are_looked_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(capsys, monkeypatch, "three_notes", "quick.toml")
    assert "found The library of Harju" in told


def test_peft_folders_answer(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = trained(place)
    folders = []
    for number, entry in enumerate(store.entries()):
        folders.append(f"adapter-{number}")
        export_expert(store, entry.key, [place / folders[-1]])
    lines = said(capsys, monkeypatch, "peft_folders", *folders).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["no adapter", *folders]


def test_a_method_doubts_numbers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = said(capsys, monkeypatch, "own_method")
    assert "found ['The bell of Ilmajoki']" in told
    assert "1713" in told.splitlines()[-1]


def test_a_report_is_a_frame(
    small_root: Path, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(planned(small_root, place, "--sample", "2", shards=1))
    told = said(capsys, monkeypatch, "report_frame", "store", "r")
    assert {line.split()[1] for line in told.splitlines()} == {"none", "combine", "prag_random"}


@pytest.mark.filterwarnings("ignore")
def test_several_experts_are_one_adapter(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(place)
    told = said(capsys, monkeypatch, "one_adapter", "store")
    assert "2 experts, rank 4, padded to 8" in told
    assert "Juha Jokela was born in " in told


def test_a_back_end_takes_experts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(capsys, monkeypatch, "own_store").startswith("1 published")


class TestOwnStore(ObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        kind = runpy.run_path(str(FOLDER / "own_store.py"))["SqliteObjects"]
        made: Objects = kind(str(tmp_path / "objects.db"))
        return made
