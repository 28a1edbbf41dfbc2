"""A tree that is wholly ours, as the published code reads it: it lists folders, and asks for every passage's adapter.

The reader here does the same: it is strict about every entry of a folder and about every name that is asked for.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from semoe.cli.app import run
from tests.published.encoding import PAIRS, encode, encoded, verb

NAME = "parse"
"""Who augmented: the published `--augment_model`."""


def loaded(root: Path, data_type: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Reads `data_aug` by the published rules: one entry is `total`, several are types with `total` for their order."""
    folder = root / "data_aug" / "popqa" / NAME
    entries = {path.name: json.loads(path.read_bytes()) for path in folder.iterdir()}
    if len(entries) == 1:
        return {"total": entries["total.json"]}
    if data_type != "total":
        chosen = {name.split(".")[0]: value for name, value in entries.items() if name != "total.json"}
        return chosen if data_type is None else {data_type: chosen[data_type]}
    merged = []
    taken = dict.fromkeys(entries, 0)
    for question in entries["total.json"]:
        file = f"{question['type']}.json"
        if taken[file] == len(entries[file]):
            break
        merged.append(entries[file][taken[file]])
        assert merged[-1]["question"] == question["question"]
        taken[file] += 1
    return {"total": merged}


def asked_for(root: Path, folder: Path, data_type: str | None = None) -> list[Path]:
    """The adapters that its inference asks for; looks at each field that its training and its inference read."""
    found = []
    for file, questions in loaded(root, data_type).items():
        for did, question in enumerate(questions):
            assert isinstance(question["question"], str)
            assert question["answer"]
            for pid, (text, one) in enumerate(zip(question["passages"], question["augment"], strict=True)):
                assert (one["passage"], one["pid"]) == (text, pid)
                assert isinstance(one[f"{NAME}_rewrite"], str)
                assert all(pair["answer"] and pair["question"] for pair in one[f"{NAME}_qa"])
                found.append(folder / file / f"data_{did}" / f"passage_{pid}")
    return found


def without_pairs(root: Path, *passages: int) -> None:
    """Takes the pairs from some passages of the first question."""
    records = json.loads((root / PAIRS).read_text())
    for pid in passages:
        records[0]["augment"][pid]["parse_qa"] = []
    (root / PAIRS).write_text(json.dumps(records))


def test_what_augment_leaves_is_one_file_and_nothing_else(root: Path) -> None:
    assert [path.name for path in (root / PAIRS).parent.iterdir()] == ["total.json"]
    (reported,) = (root / "data_aug_reports").rglob("*.json")
    assert reported.name == "total.report.json"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("empty", [(), (1,), (0, 2), (0, 1, 2)])
def test_every_adapter_that_is_asked_for_is_there_and_loads(
    root: Path, capsys: pytest.CaptureFixture[str], empty: tuple[int, ...]
) -> None:
    without_pairs(root, *empty)
    report = encoded(root, capsys)
    assert (report["num_exported"], report["num_idle"]) == (3 - len(empty), len(empty))
    folders = asked_for(root, Path(report["folder"]))
    assert len(folders) == 3
    base = AutoModelForCausalLM.from_pretrained(root / "tiny")
    model = PeftModel.from_pretrained(base, folders[0], adapter_name="0")
    for pid, folder in enumerate(folders[1:], 1):
        model.load_adapter(folder, adapter_name=str(pid))
    ids = torch.arange(5, 25)[None]
    with torch.no_grad(), model.disable_adapter():
        plain = model(ids).logits
    for pid in range(3):
        model.set_adapter(str(pid))
        with torch.no_grad():
            assert torch.equal(model(ids).logits, plain) == (pid in empty)


def test_an_idle_adapter_starts_where_every_expert_starts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the published training of no pairs leaves it."""
    without_pairs(root, 1)
    report = encoded(root, capsys)
    idle = load_file(asked_for(root, Path(report["folder"]))[1] / "adapter_model.safetensors")
    start = load_file(root / "store" / "spaces" / report["space"] / "base.safetensors")
    assert idle.keys() == start.keys()
    assert all(torch.equal(idle[name], start[name]) for name in idle)
    assert not any(idle[name].any() for name in idle if "lora_B" in name)


def test_a_passage_that_gets_pairs_later_gets_its_expert(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = (root / PAIRS).read_text()
    without_pairs(root, 1)
    folder = asked_for(root, Path(encoded(root, capsys)["folder"]))[1]
    (root / PAIRS).write_text(pairs)
    assert encoded(root, capsys)["num_idle"] == 0
    assert json.loads((folder / "expert.json").read_text())["qa"]
    assert any(tensor.any() for name, tensor in load_file(folder / "adapter_model.safetensors").items() if "_B" in name)


@pytest.mark.parametrize("empty", [(2,), (0, 1)])
def test_an_idle_adapter_is_counted_and_not_imported(
    root: Path, capsys: pytest.CaptureFixture[str], empty: tuple[int, ...]
) -> None:
    without_pairs(root, *empty)
    assert encoded(root, capsys)["num_idle"] == len(empty)
    capsys.readouterr()
    assert run(["experts", "import", *encode(root, "--store", str(root / "new"))[1:], "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_imported"], report["num_without_pairs"]) == (3 - len(empty), len(empty))
    assert report["num_absent"] == 0


def test_an_adapter_without_effect_of_a_passage_with_pairs_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = (root / PAIRS).read_text()
    without_pairs(root, 1)
    encoded(root, capsys)
    (root / PAIRS).write_text(pairs)
    assert run(["experts", "import", *encode(root, "--store", str(root / "new"))[1:]]) == 1
    assert "B = 0 everywhere" in " ".join(capsys.readouterr().err.split())


# Several types, of which `total` says the order.

TYPES = ("bridge", "comparison", "bridge", "bridge", "comparison")


@pytest.fixture
def typed(root: Path) -> Path:
    """A published augmentation of five questions of two types; `total.json` has no pairs."""
    first = json.loads((root / PAIRS).read_text())[0]
    records = [
        first | {"qid": str(n), "test_id": n, "question": f"Who is {n}?", "type": kind} for n, kind in enumerate(TYPES)
    ]
    for n, record in enumerate(records):
        texts = [f"{n} {one['passage']}" for one in record["augment"]]
        changed = [one | {"passage": text} for one, text in zip(record["augment"], texts, strict=True)]
        record.update(passages=texts, augment=changed)
    plain = [{key: record[key] for key in ("qid", "test_id", "question", "answer", "type")} for record in records]
    write(root, "total", plain)
    for kind in set(TYPES):
        write(root, kind, [record for record in records if record["type"] == kind])
    return root


def write(root: Path, name: str, records: list[dict[str, Any]]) -> None:
    (root / PAIRS).with_name(f"{name}.json").write_text(json.dumps(records))


def read(root: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((root / PAIRS).with_name(f"{name}.json").read_text())
    return found


def test_total_without_pairs_is_the_types_in_its_order(typed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(encoded(typed, capsys, "--data_type", "total")["folder"])
    folders = asked_for(typed, folder, "total")
    assert len(folders) == 15
    assert all((one / "adapter_model.safetensors").exists() for one in folders)
    trained = [json.loads((one / "expert.json").read_text())["passage"] for one in folders]
    assert [text.partition(" ")[0] for text in trained] == [str(n) for n in range(5) for _ in range(3)]


def test_the_types_are_read_by_themselves_where_total_is_not_asked_for(
    typed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = encoded(typed, capsys)
    folders = asked_for(typed, Path(report["folder"]))
    assert sorted({one.parts[-3] for one in folders}) == ["bridge", "comparison"]
    assert all((one / "adapter_model.safetensors").exists() for one in folders)
    assert encoded(typed, capsys, "--data_type", "total")["num_found"] == report["num_trained"] == 15


def test_total_ends_where_the_file_of_a_type_does(typed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its published making samples each type by itself."""
    write(typed, "bridge", read(typed, "bridge")[:2])
    report = encoded(typed, capsys, "--data_type", "total")
    assert report["num_exported"] == len(asked_for(typed, Path(report["folder"]), "total")) == 9


def test_total_is_sampled_after_it_is_put_together(typed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = encoded(typed, capsys, "--data_type", "total", "--sample", "2")
    assert report["num_exported"] == 6
    trained = [json.loads(one.read_text())["passage"][0] for one in (typed / "offline").rglob("expert.json")]
    assert set(trained) == {"0", "1"}


def test_total_with_pairs_of_its_own_is_read_as_it_is(typed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(typed, "total", read(typed, "comparison"))
    assert encoded(typed, capsys, "--data_type", "total")["num_exported"] == 6


@pytest.mark.parametrize("change", ["missing", "order", "no type"])
def test_types_that_are_not_those_of_total_are_named(
    typed: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    if change == "missing":
        (typed / PAIRS).with_name("comparison.json").unlink()
    elif change == "order":
        write(typed, "comparison", read(typed, "comparison")[::-1])
    else:
        write(typed, "total", [{"question": "Who?", "answer": "a"}])
    assert run(encode(typed, "--data_type", "total")) == 2
    said = " ".join(capsys.readouterr().err.split())
    words = {
        "missing": "record 2 is of type comparison, but there is no comparison.json",
        "order": "record 2 is not the question of comparison.json, record 1",
        "no type": "record 1 is of type None",
    }
    assert words[change] in said


def test_total_is_asked_as_it_was_encoded(typed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert encoded(typed, capsys, "--data_type", "total")["num_trained"] == 15
    recipe = ("--preset", str(typed / "quick.toml"), "--model_name", str(typed / "tiny"))
    asked = verb("inference", typed, *recipe, "--inference_method", "prag", "--data_type", "total", "--json")
    assert run(asked) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["questions"], report["experts"]) == (5, 15)
