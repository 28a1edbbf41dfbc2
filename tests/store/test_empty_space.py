"""What is said of a space that holds no experts."""

from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.models.config import parse_config
from semoe.store.expert_store import ExpertStore
from semoe.store.object_names import SpaceNames
from semoe.store.objects import FolderObjects
from semoe.store.opened import Experts
from tests.tiny import tiny_config


@pytest.mark.parametrize(
    ("there", "words"),
    [([], "Run `semoe encode`"), (["a"], "nothing has been trained"), (["b"], "It has b: made by another"),
     (["a", "b"], "nothing has been trained")],
)  # fmt: skip
def test_an_empty_space_is_not_taken_for_another_recipes(tmp_path: Path, there: list[str], words: str) -> None:
    objects = FolderObjects(tmp_path)
    for name in there:
        objects.put(SpaceNames(name).described, b'{"format": 2}')
    layout = ExpertLayout(parse_config(tiny_config("llama").to_dict()), load_preset("semoe").lora)
    with pytest.raises(UsageError, match=f"No experts of space a .*{words}"):
        Experts(ExpertStore(objects, "a"), layout).require_some()


def test_a_space_that_was_copied_without_its_description_is_not_called_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["experts", "ls", "--store", str(tmp_path)]) == 2
    assert "has no spaces. It is empty: run `semoe encode`." in " ".join(capsys.readouterr().err.split())
    assert run(["experts", "ls", "--store", str(tmp_path / "gone")]) == 2
    assert "has no spaces. There is no such folder: check --store" in " ".join(capsys.readouterr().err.split())
    FolderObjects(tmp_path).put("spaces/a/snapshots/x", b"")
    assert run(["experts", "ls", "--store", str(tmp_path)]) == 2
    assert "Without space.json is what lies in spaces/a" in " ".join(capsys.readouterr().err.split())
