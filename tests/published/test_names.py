from dataclasses import replace
from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.published.names import OfflineName

NAME = OfflineName(
    model="smollm2", rank=2, alpha=32, dataset="popqa", learning_rate=3e-4, epochs=1, cot=False,
    augment_model="smollm2", data_type="total",
)  # fmt: skip
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


def test_the_published_readme_has_no_mode_in_its_folders(tmp_path: Path) -> None:
    new, old = NAME.known_folders(tmp_path)
    assert new == NAME.folder(tmp_path)
    assert old == tmp_path / f"offline/{RECIPE.removesuffix('_direct')}/aug_model=smollm2/total"
