"""A space that describes itself, and experts as tensors or as folders."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from semoe.errors import CorruptError, UsageError
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.experts.settings import LoraSettings
from semoe.experts.space import FORMAT, ExpertSpace
from semoe.store.expert_store import ExpertStore
from semoe.store.export import export_expert
from semoe.store.object_names import SpaceNames
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts, make_space
from semoe.store.peft_folder import adapter_config, read_expert
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord
from tests.generation.switching.rigged import CONFIG

LAYOUT = ExpertLayout(CONFIG, LoraSettings(rank=1, alpha=1))
SPACE = ExpertSpace(
    base_model="org/tiny", model_digest="d", preset=load_preset("semoe"), template="t",
    augment_model="parse", augmentation_version=1, exemplars="",
)  # fmt: skip


def key(number: int) -> str:
    return f"{number:02x}" * 32


def filled(folder: Path, **values: float) -> ExpertStore:
    """A space with one expert for each name, full of a number; names are the keys' first byte."""
    store = make_space(FolderObjects(folder), SPACE, LAYOUT)
    with Producer(store, LAYOUT, run="r") as producer:
        for number, value in enumerate(values.values()):
            record = ExpertRecord(key=key(number), space=SPACE.name, title="T", num_tokens=1, loss=0.5, learnt="l")
            producer.add(torch.full((LAYOUT.size,), value), record)
    return store


def test_a_space_describes_itself_once(tmp_path: Path) -> None:
    objects, root = FolderObjects(tmp_path), f"spaces/{SPACE.name}"
    make_space(objects, SPACE, LAYOUT)
    about = json.loads(objects.get(f"{root}/space.json"))
    assert (about["base_model"], about["format"]) == ("org/tiny", FORMAT)
    assert isinstance(FORMAT, int)
    assert json.loads(objects.get(f"{root}/adapter_config.json"))["r"] == 1
    kept = LAYOUT.join(load(objects.get(f"{root}/base.safetensors")))
    assert torch.equal(kept, base_weight(LAYOUT, SPACE.preset.training.seed))
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    make_space(objects, SPACE, LAYOUT)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == files


def test_what_was_begun_and_not_finished_is_described_to_its_end(tmp_path: Path) -> None:
    objects, root = FolderObjects(tmp_path), f"spaces/{SPACE.name}"
    make_space(objects, SPACE, LAYOUT)
    base = objects.get(f"{root}/base.safetensors")
    for name in ("space.json", "adapter_config.json"):
        objects.delete(f"{root}/{name}")
    make_space(objects, SPACE, LAYOUT)
    assert objects.get(f"{root}/base.safetensors") == base
    assert {found.name for found in objects.list(f"{root}/")} == {
        f"{root}/{name}" for name in ("space.json", "adapter_config.json", "base.safetensors")
    }


def test_an_expert_is_a_vector_and_one_that_is_not_there_is_none(tmp_path: Path) -> None:
    experts = Experts(filled(tmp_path, one=1.0, two=2.0), LAYOUT)
    found = experts.get(key(1))
    assert found is not None
    assert torch.equal(found, torch.full((LAYOUT.size,), 2.0))
    assert experts.get(key(9)) is None
    assert (key(0) in experts, key(9) in experts, experts.space) == (True, False, SPACE.name)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_an_expert_that_cannot_be_used_is_named(tmp_path: Path, value: float) -> None:
    with pytest.raises(CorruptError, match=key(0)):
        Experts(filled(tmp_path, one=value), LAYOUT).get(key(0))


def test_another_layouts_expert_is_named(tmp_path: Path) -> None:
    other = ExpertLayout(CONFIG, LoraSettings(rank=2, alpha=1))
    with pytest.raises(CorruptError, match=key(0)):
        Experts(filled(tmp_path, one=1.0), other).get(key(0))


def test_an_empty_space_is_refused_with_the_spaces_that_are_there(tmp_path: Path) -> None:
    filled(tmp_path, one=1.0)
    objects = FolderObjects(tmp_path)
    Experts(ExpertStore(objects, SPACE.name), LAYOUT).require_some()
    with pytest.raises(UsageError, match=SPACE.name):
        Experts(ExpertStore(objects, "other"), LAYOUT).require_some()
    with pytest.raises(UsageError, match="semoe encode"):
        Experts(ExpertStore(FolderObjects(tmp_path / "none"), "other"), LAYOUT).require_some()


def test_experts_are_kept_on_disk_where_a_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path, one=1.0)
    Experts(store, LAYOUT).get(key(0))
    monkeypatch.setenv("SEMOE_EXPERT_CACHE", str(tmp_path / "cache"))
    Experts(store, LAYOUT).get(key(0))
    assert [file.name for file in (tmp_path / "cache").glob("*/??/*")] == [key(0)]


def values(folder: Path) -> float:
    return float(read_expert(folder, LAYOUT, base_model="org/tiny", space=SPACE.name).unique())


def test_an_exported_expert_has_all_its_names_and_what_is_there_stays(tmp_path: Path) -> None:
    store, folders = filled(tmp_path / "s", one=1.0, two=2.0), [tmp_path / name for name in "abc"]
    export_expert(store, key(0), folders[:2])
    assert [values(folder) for folder in folders[:2]] == [1.0, 1.0]
    assert (folders[0] / "expert.json").samefile(folders[1] / "expert.json")
    first = (folders[0] / "expert.json").stat()
    export_expert(store, key(0), folders)
    assert (folders[0] / "expert.json").stat().st_ino == first.st_ino
    assert (folders[2] / "expert.json").samefile(folders[0] / "expert.json")


def test_another_expert_in_its_folder_is_replaced(tmp_path: Path) -> None:
    """Another key's, another space's, or one of which nobody knows what it is."""
    store, folder = filled(tmp_path / "s", one=1.0, two=2.0), tmp_path / "e"
    export_expert(store, key(0), [folder])
    export_expert(store, key(1), [folder])
    assert values(folder) == 2.0
    for record in ({"key": key(1), "space": "other"}, {"key": key(1)}, [], "broken"):
        (folder / "expert.json").write_text(json.dumps(record) if record != "broken" else "{")
        export_expert(store, key(1), [folder])
        assert json.loads((folder / "expert.json").read_text())["space"] == SPACE.name


def test_an_expert_that_is_nowhere_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="semoe experts ls"):
        export_expert(filled(tmp_path / "s"), key(0), [tmp_path / "e"])
    assert not (tmp_path / "e").exists()


def test_a_published_folder_without_a_record_is_read_whatever_its_space(tmp_path: Path) -> None:
    store, folder = filled(tmp_path / "s", one=1.0), tmp_path / "e"
    export_expert(store, key(0), [folder])
    with pytest.raises(UsageError, match="other"):
        read_expert(folder, LAYOUT, base_model="org/tiny", space="other")
    assert read_expert(folder, LAYOUT, base_model="org/tiny").any()
    (folder / "expert.json").unlink()
    assert read_expert(folder, LAYOUT, base_model="tiny", space="other").any()


def test_objects_lie_where_other_versions_of_the_program_look_for_them() -> None:
    """docs/store-format.md: a store outlives the program that wrote it."""
    names, segment = SpaceNames("s"), "abcdef"
    assert (names.pack(segment), names.index(segment)) == (
        "spaces/s/segments/ab/abcdef.pack", "spaces/s/segments/ab/abcdef.idx",
    )  # fmt: skip
    assert names.shard_commits("r", 7) == "spaces/s/commits/r/00007-"
    assert names.snapshot(12) == "spaces/s/snapshots/00000012.snap"
    assert names.withdrawn == "spaces/s/withdrawn/"


def test_peft_is_told_all_that_its_own_defaults_would_decide_otherwise() -> None:
    config = adapter_config(ExpertLayout(CONFIG, LoraSettings(rank=2, alpha=6)), "org/tiny")
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (2, 6, "org/tiny")
    assert config["target_modules"] == ["down_proj", "gate_proj", "up_proj"]
    assert (config["lora_dropout"], config["bias"], config["modules_to_save"]) == (0.0, "none", None)
    assert not any(config[switch] for switch in ("fan_in_fan_out", "use_rslora", "use_dora"))
    assert config["inference_mode"]
