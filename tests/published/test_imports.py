"""Experts of a published tree come into the store: into their own space where they say so, else among imported ones."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semoe.cli.app import run
from tests.published.encoding import PAIRS, encode, encoded, inference


def taken(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    store = str(root / "other")
    assert run(["experts", "import", *encode(root, "--store", store)[1:], "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def exported(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `encode` says that trained the experts of the published tree below `root`."""
    return encoded(root, capsys)


def forget_who_made_them(root: Path) -> None:
    for record in (root / "offline").rglob("expert.json"):
        record.unlink()


def test_what_encode_exported_comes_back_into_its_own_space(
    root: Path, exported: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    report = taken(root, capsys)
    assert (report["space"], report["num_imported"]) == (exported["space"], exported["num_trained"])
    assert taken(root, capsys)["num_known"] == exported["num_trained"]


def test_experts_from_elsewhere_are_used_when_asked_for_and_never_taken_for_our_own(
    root: Path, exported: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    forget_who_made_them(root)
    report = taken(root, capsys)
    assert report["num_imported"] == exported["num_trained"]
    assert report["space"] != exported["space"]
    store = ("--store", str(root / "other"))
    assert run([*inference(root, "prag"), *store]) == 2, "no expert was trained here"
    capsys.readouterr()
    assert run([*inference(root, "prag"), *store, "--imported", "--json"]) == 0
    answered = json.loads(capsys.readouterr().out)
    assert answered[0]["experts"] > 0
    assert Path(answered[0]["folder"]).parent.name == "prag_imported"
    assert encoded(root, capsys, *store)["num_trained"] == exported["num_trained"]


@pytest.mark.usefixtures("exported")
def test_an_expert_of_a_passage_without_pairs_is_passed_over(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other projects write an adapter for it, in which B is zero."""
    forget_who_made_them(root)
    records = json.loads((root / PAIRS).read_text())
    passage = records[0]["augment"][0]
    passage[next(name for name in passage if name.endswith("_qa"))] = []
    (root / PAIRS).write_text(json.dumps(records))
    assert taken(root, capsys)["num_imported"] == len(records[0]["augment"]) - 1


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize("base", ["Llama-3.2-1B-Instruct", "", None, "/mnt/nas/tiny"])
def test_the_base_that_an_adapter_names_is_compared(
    root: Path, base: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (root / "offline").rglob("adapter_config.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": base}))
    code = run(["experts", "import", *encode(root, "--store", str(root / "other"))[1:]])
    said = " ".join(capsys.readouterr().err.split())
    assert code == (2 if base == "Llama-3.2-1B-Instruct" else 0), said
    assert "base model Llama-3.2-1B-Instruct, but" in said or code == 0


@pytest.mark.usefixtures("exported")
def test_a_tree_under_another_models_name_is_read_under_that_name(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_who_made_them(root)
    shutil.copytree(root / "tiny", root / "copy")
    (root / "offline" / "tiny").rename(root / "offline" / "copy")
    capsys.readouterr()
    named = ("--model_name", str(root / "copy"), "--store", str(root / "other"))
    assert run(["experts", "import", *encode(root, *named)[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_imported"] > 0


def equal(one: Path, other: Path) -> bool:
    mine, theirs = load_file(one), load_file(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_experts_that_were_imported_and_exported_again_are_taken_as_such(
    root: Path, exported: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    forget_who_made_them(root)
    first = taken(root, capsys)
    place = ("--store", str(root / "other"), "--space", first["space"])
    capsys.readouterr()
    assert run(["experts", "ls", *place, "--json"]) == 0
    for number, expert in enumerate(json.loads(capsys.readouterr().out)):
        copy = root / f"copy_{number}"
        assert run(["experts", "export", expert["key"], "--to", str(copy), *place]) == 0
        (same,) = (one for one in (root / "offline").rglob("adapter_model.safetensors") if equal(one, copy / one.name))
        shutil.copytree(copy, same.parent, dirs_exist_ok=True)
    shutil.rmtree(root / "other")
    again = taken(root, capsys)
    assert (again["space"], again["num_imported"]) == (first["space"], exported["num_trained"])


@pytest.mark.usefixtures("exported")
def test_adapters_that_somebody_else_wrote_are_never_replaced(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    forget_who_made_them(root)
    adapters = sorted((root / "offline").rglob("adapter_model.safetensors"))
    kept, freed = adapters[0], adapters[-1]
    kept.write_bytes(b"the only copy")
    shutil.rmtree(freed.parent)
    assert run(encode(root)) == 0
    assert " they are, in 1 folder such as" not in caplog.text
    assert "Adapters that SEMOE did not write stay as they are, in " in caplog.text
    assert kept.read_bytes() == b"the only copy"
    assert freed.exists(), "what is missing is written"


def test_nothing_is_trained_among_imported_experts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    switching = ("--method", "token", "--missing", "train", "--imported", "--index_dir", str(root / "index"))
    assert run([*inference(root, "prag"), *switching]) == 2
    assert "would train among experts that were imported" in " ".join(capsys.readouterr().err.split())
