from dataclasses import replace
from pathlib import Path

import pytest

from semoe.errors import CorruptError, UsageError
from semoe.files import write_json
from semoe.store import OfflineName, find_experts

NAME = OfflineName(
    model="smollm2", rank=2, alpha=32, dataset="popqa", learning_rate=3e-4, epochs=1, cot=False,
    augment_model="smollm2", data_type="total",
)  # fmt: skip
RECORD = {"key": "ab12", "space": "s1", "title": "T", "qa": [], "loss": 0.5}
RECIPE = "smollm2/rank=2_alpha=32/popqa/lr=0.0003_epoch=1_direct"


def test_published_names(tmp_path: Path) -> None:
    assert NAME.folder(tmp_path) == tmp_path / f"offline/{RECIPE}/aug_model=smollm2/total"
    assert NAME.passage(tmp_path, 4, 1) == NAME.folder(tmp_path) / "data_4" / "passage_1"
    assert NAME.output(tmp_path, "prag") == tmp_path / f"output/{RECIPE}/aug_model=smollm2/prag/total"


def test_floats_modes_presets_and_model_paths_show_as_users_know_them(tmp_path: Path) -> None:
    other = replace(NAME, learning_rate=3e-5, epochs=2, cot=True, preset="semoe", model="/models/org/tiny/")
    path = "offline/tiny/rank=2_alpha=32/popqa/lr=3e-05_epoch=2_cot_preset=semoe/aug_model=smollm2/total"
    assert other.folder(tmp_path) == tmp_path / path


@pytest.mark.parametrize("field", ["model", "dataset", "augment_model", "data_type", "preset"])
@pytest.mark.parametrize("name", ["..", "", ".", "/", "a/.."])
def test_a_name_cannot_leave_the_tree(tmp_path: Path, field: str, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a folder"):
        replace(NAME, **{field: name}).folder(tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot name a folder"):
        NAME.by_key(tmp_path, "..", "ab12")


def test_experts_are_found_at_home_but_not_as_links_or_half_written(tmp_path: Path) -> None:
    home = NAME.by_key(tmp_path, "s1", "ab12")
    assert home == tmp_path / "offline/smollm2/rank=2_alpha=32/experts/s1/ab/ab12"
    for folder in (home, NAME.passage(tmp_path, 0, 0), home.with_name(".ab12.x1y2")):
        write_json(folder / "expert.json", RECORD)
    (found,) = find_experts(tmp_path)
    assert (found.key, found.space, found.model, found.title, found.loss) == ("ab12", "s1", "smollm2", "T", 0.5)
    assert found.folder == home
    assert list(find_experts(tmp_path / "none")) == []


@pytest.mark.parametrize("record", [[], {"key": "ab12"}, RECORD | {"loss": None}])
def test_a_record_that_lacks_its_parts_is_named(tmp_path: Path, record: object) -> None:
    write_json(NAME.by_key(tmp_path, "s1", "ab12") / "expert.json", record)
    with pytest.raises(CorruptError, match=r"ab12/expert.json lacks"):
        list(find_experts(tmp_path))
