"""Experts are of the pairs that they learnt: others are neither taken for them nor written over them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.shard import run_shard
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from tests.published.encoding import PAIRS, QUICK, change_pairs, encode, encoded, inference, planning, verb


@pytest.fixture
def changed(root: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Experts were trained, then the pairs of one passage changed; how many were trained."""
    num_trained = int(encoded(root, capsys)["num_trained"])
    change_pairs(root / PAIRS)
    return num_trained


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("name", ["encode", "inference"])
def test_experts_of_other_pairs_are_neither_used_nor_trained_over(
    root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(encode(root) if name == "encode" else inference(root, "prag")) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "1 expert of space" in said
    assert "--augment_model NAME" in said


@pytest.mark.usefixtures("changed")
def test_an_answer_without_experts_has_no_use_for_pairs(root: Path) -> None:
    assert run(inference(root, "icl")) == 0


def test_experts_of_other_pairs_are_kept_under_names_of_their_own(
    root: Path, changed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "data_aug/popqa/mine").mkdir()
    shutil.copyfile(root / PAIRS, root / "data_aug/popqa/mine/total.json")
    assert encoded(root, capsys, "--augment_model", "mine")["num_trained"] == changed


@pytest.mark.usefixtures("changed")
def test_what_was_exported_under_old_pairs_is_not_imported_as_if_it_had_learnt_the_new(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["experts", "import", *encode(root, "--store", str(root / "empty"))[1:]]) == 2
    assert "learnt other pairs" in " ".join(capsys.readouterr().err.split())


def test_of_two_who_train_a_passage_at_once_with_other_pairs_the_second_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both found the space empty; the one that publishes later finds the other's experts in it."""
    first, publish = encoded(root, capsys, "--store", str(root / "theirs")), ExpertStore.publish
    change_pairs(root / PAIRS)

    def after_the_other(store: ExpertStore, *arguments: Any, **more: Any) -> int:
        shutil.copytree(root / "theirs", root / "ours", dirs_exist_ok=True)
        store.refresh()
        return publish(store, *arguments, **more)

    monkeypatch.setattr(ExpertStore, "publish", after_the_other)
    assert run(encode(root, "--store", str(root / "ours"))) == 2
    assert f"1 expert of space {first['space']} learnt other" in " ".join(capsys.readouterr().err.split())


def test_a_passage_that_a_file_has_twice_with_other_pairs_is_one_expert(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As published files have it: each question's passages were augmented anew."""
    records = json.loads((root / PAIRS).read_text())
    (root / PAIRS).write_text(json.dumps([records[0], records[0] | {"qid": "another"}]))
    change_pairs(root / PAIRS)
    first = encoded(root, capsys, "--sample", "1")
    (root / PAIRS).write_text(json.dumps(list(reversed(json.loads((root / PAIRS).read_text())))))
    again = encoded(root, capsys)
    assert (again["num_trained"], again["num_found"]) == (0, first["num_trained"])


@pytest.fixture
def two(root: Path) -> str:
    """A recipe that learns two pairs a passage; the file has up to eight."""
    (root / "two.toml").write_text(f"{QUICK}[augmentation]\nmax_pairs = 2\n")
    return str(root / "two.toml")


def augmented(root: Path) -> list[dict[str, Any]]:
    return [
        {"qa": value}
        for record in json.loads((root / PAIRS).read_text())
        for passage in record["augment"]
        for name, value in passage.items()
        if name.endswith("_qa")
    ]


def test_of_a_file_with_more_pairs_the_recipes_are_the_first(
    root: Path, two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from_many = encoded(root, capsys, "--preset", two)
    assert run(verb("augment", root, "--preset", two)) == 0
    assert max(len(one["qa"]) for one in augmented(root)) == 2
    assert encoded(root, capsys, "--preset", two)["num_found"] == from_many["num_trained"]


def test_verb_and_run_learn_the_same_pairs_under_one_name(
    root: Path, two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    by_verb = encoded(root, capsys, "--preset", two)
    assert run(planning(root, "two.toml")) == 0
    folder = RunFolder(FolderObjects(root / "store"), "r")
    assert folder.plan().space == by_verb["space"]
    for stage in ("augment", "encode"):
        run_shard(folder, stage, 0)
    report = folder.find_report("encode", 0)
    assert report is not None
    assert (report.space, report.counts["trained"]) == (by_verb["space"], 0)
    assert report.counts["found"] == by_verb["num_trained"]


def test_a_file_with_fewer_pairs_than_the_recipe_learns_is_refused(
    root: Path, two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(verb("augment", root, "--preset", two)) == 0
    assert run(encode(root)) == 2
    assert "made with max_pairs 2" in " ".join(capsys.readouterr().err.split())


def test_what_an_expert_says_it_learnt_is_what_it_learnt(
    root: Path, two: str, capsys: pytest.CaptureFixture[str]
) -> None:
    space = encoded(root, capsys, "--preset", two)["space"]
    place = ["--space", space, "--root_dir", str(root), "--format", "json"]
    assert run(["experts", "ls", *place]) == 0
    for expert in json.loads(capsys.readouterr().out):
        assert run(["experts", "show", expert["key"], *place]) == 0
        assert len(json.loads(capsys.readouterr().out)["qa"]) <= 2
