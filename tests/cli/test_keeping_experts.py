"""`semoe experts` over the store that a journey leaves: what is in it, and how it is looked after."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.store.objects import FolderObjects
from tests.cli.journey import distinct


@pytest.fixture
def place(journey: Path, tmp_path: Path) -> list[str]:
    """A copy of the store, and a space in it, as options."""
    shutil.copytree(journey / "store", tmp_path / "store")
    first, *_ = FolderObjects(tmp_path / "store").folders("spaces/")
    return ["--space", first, "--root_dir", str(tmp_path)]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run(["experts", *arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_expert_is_listed(journey: Path, place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(capsys, "ls", *place)) == len(distinct(journey))


def test_a_list_is_of_a_title_and_as_long_as_is_asked_for(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    first, *_ = told(capsys, "ls", *place)
    assert told(capsys, "ls", *place, "--title", first["title"], "--limit", "1") == [first]


def test_an_expert_is_shown_by_the_beginning_of_its_key(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    key = told(capsys, "ls", *place)[0]["key"]
    assert told(capsys, "show", key[:10], *place)["key"] == key


def test_an_expert_is_exported_as_a_folder(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = told(capsys, "ls", *place)[0]["key"]
    assert run(["experts", "export", key, *place, "--to", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "adapter_model.safetensors").exists()


def test_several_are_exported_as_one_adapter(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [one["key"] for one in told(capsys, "ls", *place)[:3]]
    made = told(
        capsys, "export", *keys, *place, "--merge", "cat", "--weights", "0.5,0.5,0.5", "--to", str(tmp_path / "c")
    )
    assert (made["exported"], made["rank"], made["used_rank"], made["left_out"]) == (keys, 8, 6, 0)
    about = json.loads((tmp_path / "c/merged.json").read_text())
    assert [(one["key"], one["weight"]) for one in about["experts"]] == [(key, 0.5) for key in keys]
    less = told(capsys, "export", *keys, *place, "--merge", "svd", "--rank", "2", "--to", str(tmp_path / "s"))
    assert (less["rank"], less["used_rank"]) == (8, 2)
    assert 0 < less["left_out"] < 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--merge", "svd"], "needs --rank"), ([], "say --merge"), (["--merge", "cat", "--rank", "1"], "than --rank 1"),
        (["--merge", "cat", "--weights", "1"], "number for each of 2"),
        (["--merge", "cat", "--weights", "1,nan"], "number for each of 2"),
    ],
)  # fmt: skip
def test_several_that_make_no_adapter_are_refused_and_nothing_is_left(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    keys = [one["key"] for one in told(capsys, "ls", *place)[:2]]
    assert run(["experts", "export", *keys, *place, *arguments, "--to", str(tmp_path / "new")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_stats_count_experts(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "stats", *place)["experts"] == len(told(capsys, "ls", *place))


def test_looking_after_a_sound_store_damages_nothing(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = told(capsys, "ls", *place)
    for verb in ("verify", "gc", "compact", "gc"):
        assert run(["experts", verb, *place]) == 0
    assert "0 of" in capsys.readouterr().out
    assert told(capsys, "ls", *place) == before


def test_a_damaged_pack_is_found_and_withdrawn(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, "stats", *place)["experts"]
    pack = next((tmp_path / "store" / "spaces" / place[1]).glob("segments/*/*.pack"))
    pack.write_bytes(b"x" + pack.read_bytes()[1:])
    assert run(["experts", "verify", *place]) == 1
    assert run(["experts", "verify", "--withdraw", *place]) == 0
    assert told(capsys, "stats", *place)["experts"] < before
