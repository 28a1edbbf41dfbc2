"""A program reads one JSON document on stdout, and of an error one on stderr."""

import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.cli.output import look_for_reader, reader
from tests.runs.planned import planned


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert run([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def error(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> Any:
    capsys.readouterr()
    assert run(list(arguments)) == code
    told = capsys.readouterr()
    assert told.out == ""
    found = json.loads(told.err)["error"]
    assert found["exit_code"] == code
    return found


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    """A planned run."""
    planned(tmp_path)
    return ["--run", "first", "--store", str(tmp_path)]


def test_a_run_is_told_of_in_json(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    stages = answer(capsys, "status", *place)
    assert [one["stage"] for one in stages] == ["retrieve", "augment", "encode", "inference"]
    assert answer(capsys, "shards", "--stage", "retrieve", *place) == {"shards": 2}
    assert answer(capsys, "logs", *place) == []
    assert answer(capsys, "report", "--partial", *place)["is_finished"] is False


def test_a_run_that_is_watched_comes_a_line_each_time(
    place: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = iter([None])

    def sleep(seconds: float) -> None:
        if next(pauses, "over") == "over":
            raise KeyboardInterrupt

    monkeypatch.setattr("semoe.cli.runs.watch.time.sleep", sleep)
    assert run(["status", *place, "--watch", "--json"]) == 130
    lines = capsys.readouterr().out.splitlines()
    assert [len(json.loads(line)) for line in lines] == [4, 4]


def test_a_machine_is_told_of_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = answer(capsys, "doctor", "--root_dir", str(tmp_path))
    assert {"part", "state", "detail"} == rows[0].keys()


def test_several_data_types_are_one_document(journey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--dataset", "popqa", "--root_dir", str(journey)]
    (report,) = answer(capsys, "augment", *place)
    assert report["questions"] == 2


def test_an_error_is_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = error(capsys, 2, "status", "--run", "none", "--store", str(tmp_path), "--json")
    assert found["kind"] == "no-run"
    assert "semoe plan" in found["message"]


@pytest.mark.parametrize("ask", [["--json"], ["--format", "json"], ["--format=json"]], ids=" ".join)
def test_a_wrong_option_is_told_in_json_however_that_was_asked_for(
    ask: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--bogus" in error(capsys, 2, "status", "--bogus", *ask)["message"]
    assert "--run" in error(capsys, 2, "status", *ask)["message"]


def test_a_format_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--run", "r", "--format", "yaml"]) == 2
    assert "'yaml' is not one of 'table', 'json'" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], False), (["--format", "table"], False), (["json"], False), (["--title", "--json"], True)],
)
def test_json_is_looked_for_before_the_line_is_read(
    arguments: list[str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "is_program", False)
    monkeypatch.setattr(reader, "is_named", False)
    look_for_reader(arguments)
    assert reader.is_program is expected


def test_a_name_that_is_no_text_is_told_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = error(capsys, 2, "status", "--run", "r", "--store", f"{tmp_path}/\udcff", "--json")
    assert "\udcff" in found["message"]


def test_colours_stay_out_of_json(place: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert len(answer(capsys, "status", *place)) == 4


def test_a_binary_file_is_no_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\xff\x00" * 40)
    command = ["index", "--data_path", str(tmp_path / "model.safetensors"), "--index_dir", str(tmp_path / "i")]
    assert run(command) == 2
    assert "no UTF-8 text" in " ".join(capsys.readouterr().err.split())


def test_options_of_a_cluster_say_nothing_to_a_local_run(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert error(capsys, 2, "run", *place, "--detach", "--json")["message"] == "--detach is for --backend argo."


def test_the_help_says_what_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "75 worth trying again" in " ".join(capsys.readouterr().out.split())
