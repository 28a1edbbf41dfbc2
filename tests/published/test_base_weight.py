"""Warm-up and base weight through the verbs: from a dataset's questions to answers of experts that start from it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.shard import run_shard
from semoe.store.objects import FolderObjects
from tests.demo import DEMO
from tests.published.encoding import PAIRS, encoded, inference, planning

CHAIN = "Lyon lies in France, and Paris is its capital. So the answer is Paris."


def warmed(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    data = () if "--dataset" in more else ("--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--skip", "2")
    recipe = ("--model_name", str(root / "tiny"), "--preset", str(root / "quick.toml"), "--root_dir", str(root))
    assert run(["warmup", *recipe, *data, *more, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_experts_start_from_what_was_warmed_up(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = encoded(root, capsys)
    report = warmed(root, capsys, "--sample", "4")
    assert (report["num_examples"], report["num_steps"]) == (4, 2)  # the recipe learns two at a time
    made = encoded(root, capsys, "--base_weight", report["base_weight"][:8])
    assert made["space"] != plain["space"]
    assert made["num_trained"] == plain["num_trained"]
    folder = Path(made["folder"])
    assert report["base_weight"][:12] in str(folder)
    assert (encoded(root, capsys)["space"], Path(plain["folder"]).exists()) == (plain["space"], True)
    # The folder that the published code would read is the same weight.
    again = encoded(root, capsys, "--base_weight", report["folder"])
    assert (again["space"], again["num_trained"]) == (made["space"], 0)
    assert run([*inference(root, "prag"), "--base_weight", report["base_weight"]]) == 0
    (answered,) = (root / "output").glob(f"**/*_base={report['base_weight'][:12]}/**/predict.json")
    assert json.loads((answered.parent / "config.json").read_text())["space"] == made["space"]


def test_a_worker_finds_it_in_the_store_and_not_in_a_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = warmed(root, capsys, "--sample", "4")
    assert run([*planning(root), "--base_weight", report["folder"]]) == 0
    shutil.rmtree(root / "warmup")
    folder = RunFolder(FolderObjects(root / "store"), "r")
    assert folder.plan().preset.training.base_weight == report["base_weight"]
    run_shard(folder, "augment", 0)
    run_shard(folder, "encode", 0)
    space = folder.plan().space
    kept = FolderObjects(root / "store").get(f"spaces/{space}/base.safetensors")
    assert kept == FolderObjects(root / "store").get(f"base_weights/{report['base_weight']}.safetensors")
    assert run([*planning(root), "--base_weight", report["base_weight"]]) == 0
    assert run(planning(root)) == 2
    assert "exists with another preset" in " ".join(capsys.readouterr().err.split())


def test_a_passage_without_anything_to_learn_still_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = warmed(root, capsys, "--sample", "4")
    path = root / PAIRS
    records = json.loads(path.read_text())
    records[0]["augment"][1]["parse_qa"] = []
    path.write_text(json.dumps(records))
    folder = Path(encoded(root, capsys, "--base_weight", report["base_weight"])["folder"])
    idle = load_file(folder / "total" / "data_0" / "passage_1" / "adapter_model.safetensors")
    begun = load_file(Path(report["folder"]) / "adapter_model.safetensors")
    assert all(bool(tensor.any()) for name, tensor in begun.items() if "lora_B" in name)
    assert all(not bool(tensor.any()) for name, tensor in idle.items() if "lora_B" in name)
    assert all(torch.equal(tensor, begun[name]) for name, tensor in idle.items() if "lora_A" in name)


def test_questions_that_are_asked_later_are_kept_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = ["--model_name", str(root / "tiny"), "--root_dir", str(root)]
    assert run(["warmup", *recipe, "--dataset", "popqa", "--data_path", str(DEMO / "popqa")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "has 8 questions, and the first 1,000 are kept out" in said
    assert run(["warmup", *recipe, "--dataset", "popqa", "--dataset", "cwq", "--data_path", str(DEMO / "popqa")]) == 2
    assert "2 --dataset but 1 --data_path" in " ".join(capsys.readouterr().err.split())


def test_chains_of_thought_are_read_from_the_published_form(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "train_data.json"
    records = [{"question": f"Where is {n}?", "answer": "Paris", "cot": CHAIN, "from": "hotpotqa"} for n in range(3)]
    path.write_text(json.dumps(records))
    chains = ("--with_cot", "--dataset", "mine", "--data_path", str(path))
    report = warmed(root, capsys, *chains)
    assert report["num_examples"] == 3
    assert Path(report["folder"]).name == "cot"
    assert report["base_weight"] != warmed(root, capsys, "--sample", "3")["base_weight"]


def test_a_model_that_writes_no_chain_to_the_answer_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two = ("--dataset", "2wikimultihopqa", "--data_path", str(DEMO / "2wikimultihopqa"), "--skip", "0")
    recipe = ("--model_name", str(root / "tiny"), "--root_dir", str(root), "--with_cot", "--sample", "1")
    assert run(["warmup", *recipe, *two]) == 2
    assert "no chain of thought that was written comes to" in " ".join(capsys.readouterr().err.split())
