"""Experts are reused exactly where the recipe, the model and the pairs are the same: seen through the verbs."""

import json
import shutil
from pathlib import Path
from typing import Any

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
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from tests.demo import DEMO, PASSAGES, quick
from tests.tiny import chatting_model_folder

QUICK = quick(num_steps=1)
PAIRS = "data_aug/popqa/parse/total.json"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One question with its passages and their pairs, a tiny model, a recipe of one step."""
    root = tmp_path_factory.mktemp("spaces")
    (root / "quick.toml").write_text(QUICK)
    chatting_model_folder(root / "tiny")
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    found = ["--data_path", str(DEMO / "popqa"), "--index_dir", str(root / "index"), "--sample", "1"]
    assert run(["retrieve", "--dataset", "popqa", "--root_dir", str(root), *found]) == 0
    assert run(["augment", "--dataset", "popqa", "--root_dir", str(root), "--preset", str(root / "quick.toml")]) == 0
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(prepared, tmp_path / "root")


def verb(name: str, root: Path, *more: str) -> list[str]:
    return [name, "--dataset", "popqa", "--root_dir", str(root), *more]


def planning(root: Path, preset: str = "quick.toml") -> list[str]:
    return [
        "plan", "--run", "r", "--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--sample", "1",
        "--preset", str(root / preset), "--root_dir", str(root), "--index_dir", str(root / "index"),
        "--model_name", str(root / "tiny"), "--inference_method", "prag",
    ]  # fmt: skip


def encode(root: Path, *more: str) -> list[str]:
    preset = () if "--preset" in more else ("--preset", str(root / "quick.toml"))
    model = () if "--model_name" in more else ("--model_name", str(root / "tiny"))
    return verb("encode", root, *preset, *model, *more)


def encoded(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*encode(root, *more), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def change_pairs(path: Path) -> None:
    """Another answer to one question of one passage."""
    records = json.loads(path.read_text())
    passage = records[0]["augment"][0]
    key = next(name for name in passage if name.endswith("_qa"))
    passage[key][0]["answer"] = "quite another"
    path.write_text(json.dumps(records))


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


def test_experts_of_other_pairs_are_neither_used_nor_trained_over(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = encoded(root, capsys)
    change_pairs(root / PAIRS)
    inference = verb("inference", root, "--preset", str(root / "quick.toml"), "--model_name", str(root / "tiny"))
    for command in (encode(root), [*inference, "--inference_method", "prag"]):
        assert run(command) == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "1 experts of space" in said
        assert "--augment_model NAME" in said
    assert run([*inference, "--inference_method", "icl"]) == 0, "an answer without experts has no use for pairs"
    # Both are kept under names of their own.
    (root / "data_aug/popqa/mine").mkdir()
    shutil.copyfile(root / PAIRS, root / "data_aug/popqa/mine/total.json")
    assert encoded(root, capsys, "--augment_model", "mine")["num_trained"] == first["num_trained"]
    # What was exported under the old pairs is not taken in again as if it had learnt the new ones.
    imports = ["experts", "import", *encode(root, "--store", str(root / "empty"))[1:]]
    assert run(imports) == 2
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
    assert f"1 experts of space {first['space']} learnt other" in " ".join(capsys.readouterr().err.split())


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


def test_verb_and_run_learn_the_same_pairs_under_one_name(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "two.toml").write_text(f"{QUICK}[augmentation]\nmax_pairs = 2\n")
    preset = ("--preset", str(root / "two.toml"))
    # The file has up to eight pairs a passage: the recipe's two are its first.
    from_many = encoded(root, capsys, *preset)
    assert run(verb("augment", root, *preset)) == 0
    assert max(len(one["qa"]) for one in augmented(root)) == 2
    assert encoded(root, capsys, *preset)["num_found"] == from_many["num_trained"]
    assert run(planning(root, "two.toml")) == 0
    folder = RunFolder(FolderObjects(root / "store"), "r")
    assert folder.plan().space == from_many["space"]
    for stage in ("augment", "encode"):
        run_shard(folder, stage, 0)
    report = folder.find_report("encode", 0)
    assert report is not None
    assert (report.space, report.counts["trained"]) == (from_many["space"], 0)
    assert report.counts["found"] == from_many["num_trained"]
    # The other way round there are too few.
    assert run(encode(root)) == 2
    assert "made with max_pairs 2" in " ".join(capsys.readouterr().err.split())


def augmented(root: Path) -> list[dict[str, Any]]:
    return [
        {"qa": value}
        for record in json.loads((root / PAIRS).read_text())
        for passage in record["augment"]
        for name, value in passage.items()
        if name.endswith("_qa")
    ]


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


def test_a_run_of_an_earlier_version_is_read_and_not_gone_on_with(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(FolderObjects(root / "store"), "r")
    plan = planning(root)
    assert run(plan) == 0
    written = json.loads(folder.read_text("plan.json"))
    old = {name: value for name, value in written.items() if name not in ("model_digest", "space")} | {"version": 1}
    folder.objects.put("runs/r/plan.json", json.dumps(old).encode())
    place = ["--run", "r", "--root_dir", str(root)]
    assert run(["status", *place]) == 0
    assert run(["worker", *place, "--stage", "encode", "--shard", "0"]) == 2
    assert "planned by an earlier version" in " ".join(capsys.readouterr().err.split())
    folder.objects.put("runs/r/plan.json", json.dumps(written | {"version": 99}).encode())
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
    inference = verb("inference", root, "--preset", str(root / "quick.toml"), "--model_name", str(root / "tiny"))
    assert run([*inference, "--inference_method", "prag"]) == 2
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


def test_what_an_expert_says_it_learnt_is_what_it_learnt(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "two.toml").write_text(f"{QUICK}[augmentation]\nmax_pairs = 2\n")
    space = encoded(root, capsys, "--preset", str(root / "two.toml"))["space"]
    place = ["--space", space, "--root_dir", str(root), "--format", "json"]
    assert run(["experts", "ls", *place]) == 0
    for expert in json.loads(capsys.readouterr().out):
        assert run(["experts", "show", expert["key"], *place]) == 0
        assert len(json.loads(capsys.readouterr().out)["qa"]) <= 2


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
