"""Experts are reused exactly where the recipe, the model and the pairs are the same: seen through the verbs."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.experts.preset import load_preset
from semoe.models import identity
from semoe.runs.folder import RunFolder
from semoe.runs.shard import run_shard
from semoe.stages.recipe import Recipe
from semoe.store.objects import FolderObjects
from tests.published.encoding import QUICK, encoded, inference, planning, verb


def test_another_name_or_folder_of_the_same_model_finds_its_experts(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = encoded(root, capsys)
    shutil.copytree(root / "tiny", root / "copy")
    again = encoded(root, capsys, "--model_name", str(root / "copy"))
    assert first["num_trained"] > 0
    assert (again["space"], again["num_trained"], again["num_found"]) == (first["space"], 0, first["num_trained"])


def test_weights_that_were_replaced_in_place_are_another_model(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "SETTLED_NS", 0)
    first, path = encoded(root, capsys), root / "tiny" / "model.safetensors"
    before, tensors = path.stat(), load_file(path)
    merged = {name: tensor + 0.3 if ".1.mlp.up" in name else tensor for name, tensor in tensors.items()}
    save_file(merged, path, metadata={"format": "pt"})
    assert path.stat().st_size == before.st_size
    again = encoded(root, capsys)
    assert again["space"] != first["space"]
    assert (again["num_trained"], again["num_found"]) == (first["num_trained"], 0)


def test_a_template_file_that_was_edited_is_another_recipe(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = root / "mine.jinja"
    (root / "mine.toml").write_text(f'{QUICK}[sequences]\ntemplate = "{file}"\n')
    file.write_text("Answer this: {{ question }}")
    first = encoded(root, capsys, "--preset", str(root / "mine.toml"))
    file.write_text("Answer that: {{ question }}")
    again = encoded(root, capsys, "--preset", str(root / "mine.toml"))
    assert again["num_trained"] == first["num_trained"] > 0
    assert again["space"] != first["space"]


def test_a_worker_refuses_another_model_than_the_planned_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = planning(root)
    assert run(plan) == 0
    tensors = load_file(root / "tiny" / "model.safetensors")
    save_file({name: tensor * torch.tensor(1.01) for name, tensor in tensors.items()}, root / "tiny/model.safetensors")
    folder = RunFolder(FolderObjects(root / "store"), "r")
    run_shard(folder, "augment", 0)
    with pytest.raises(UsageError, match=r"another model here .* its weights differ"):
        run_shard(folder, "encode", 0)
    assert run(plan) == 2
    assert "exists with another model_digest" in " ".join(capsys.readouterr().err.split())


def write_version(root: Path, version: int, *without: str) -> list[str]:
    """Plans a run and writes the plan as another version has it; returns run and root as options."""
    folder = RunFolder(FolderObjects(root / "store"), "r")
    assert run(planning(root)) == 0
    written = json.loads(folder.read_text("plan.json"))
    other = {name: value for name, value in written.items() if name not in without} | {"version": version}
    folder.objects.put("runs/r/plan.json", json.dumps(other).encode())
    return ["--run", "r", "--root_dir", str(root)]


def test_a_run_of_an_earlier_version_is_read_and_not_gone_on_with(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = write_version(root, 1, "model_digest", "space")
    assert run(["status", *place]) == 0
    assert run(["worker", *place, "--stage", "encode", "--shard", "0"]) == 2
    assert "planned by an earlier version" in " ".join(capsys.readouterr().err.split())


def test_a_run_of_a_later_version_is_not_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = write_version(root, 99)
    assert run(["status", *place]) == 2
    assert "planned by a later version" in " ".join(capsys.readouterr().err.split())


def test_spaces_of_an_earlier_version_are_read_under_their_names_and_not_reused(
    root: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    first, spaces = encoded(root, capsys), root / "store" / "spaces"
    # What the first version left: another name, and a description without a format.
    (spaces / first["space"]).rename(spaces / "0123456789abcdef")
    described = spaces / "0123456789abcdef" / "space.json"
    about = json.loads(described.read_text())
    del about["format"]
    described.write_text(json.dumps(about))
    assert run(inference(root, "prag")) == 2
    assert "0123456789abcdef was made by an earlier version" in " ".join(capsys.readouterr().err.split())
    again = encoded(root, capsys)
    assert again["num_trained"] == first["num_trained"]
    assert "0123456789abcdef was made by an earlier version" in caplog.text
    place = ["--space", "0123", "--root_dir", str(root)]
    assert run(["experts", "ls", *place, "--format", "json"]) == 0
    (expert, *_) = json.loads(capsys.readouterr().out)
    assert run(["experts", "export", expert["key"], "--to", str(root / "out"), *place]) == 0


def test_a_model_that_augments_for_itself_has_one_name(root: Path) -> None:
    """The recipe `published` names the model as its own augmenter: by whatever path it is called."""

    def name(model: str, by: str) -> str:
        return Recipe(model_name=model, preset=load_preset("published"), augmented_by=by).space_of("d", "float32").name

    assert name("./m", "./m") == name("/models/m", "/models/m") != name("./m", "another")


def test_an_answering_template_that_was_edited_makes_answers_anew(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, place = root / "ask.jinja", ["--preset", str(root / "ask.toml"), "--model_name", str(root / "tiny")]
    (root / "ask.toml").write_text(f'{QUICK}[answering]\ntemplate = "{file}"\nmax_new_tokens = 8\n')
    texts = []
    for question in ("Say: {{ question }}", "Sing loudly: {{ question }}"):
        file.write_text(question)
        assert run(verb("inference", root, *place, "--inference_method", "none")) == 0
        (answers,) = root.glob("output/**/none/total/predict.json")
        texts.append(json.loads(answers.read_text())[0]["text"])
    assert texts[0] != texts[1]
