"""A worker with wrong settings ends its run at once, and every verb says why; mended, the run goes on."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.local import LocalBackend
from semoe.runs.shard import run_shard
from semoe.store.objects import FolderObjects
from tests.small_run import finish, planned


@dataclass(frozen=True)
class Ended:
    """A run that its first encoding worker ended."""

    store: Path
    error: UsageError
    num_processes: int

    @property
    def place(self) -> list[str]:
        return ["--run", "r", "--store", str(self.store)]


@pytest.fixture(scope="module")
def ended(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Its plan names a model that is gone."""
    place, processes = tmp_path_factory.mktemp("ended"), list[object]()
    folder = planned(small_root, place, shards=1)
    run_shard(folder, "augment", 0)
    write_model(place / "store", f"{small_root}/tiny", f"{small_root}/gone")
    with pytest.raises(UsageError) as told:
        LocalBackend(folder=folder, on_start=processes.append).run()
    return Ended(place / "store", told.value, len(processes))


def write_model(store: Path, old: str, new: str) -> None:
    path = store / "runs" / "r" / "plan.json"
    path.write_text(path.read_text().replace(old, new))


def test_the_run_ends_with_what_the_first_attempt_said(ended: Ended) -> None:
    assert re.search(r"encode shard 0, attempt 1, ended with 2.*gone", str(ended.error))
    assert ended.num_processes == 1


def test_logs_of_what_failed_say_why(ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["logs", *ended.place, "--failed"]) == 0
    assert "gone" in capsys.readouterr().out


def test_status_says_which_shard_failed_for_good(ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", *ended.place]) == 0
    assert "encode shard 0 failed for good" in " ".join(capsys.readouterr().err.split())


def test_a_partial_report_holds_the_failure(ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", *ended.place, "--partial", "--said", "Failed", "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["said"], outcome["is_finished"]) == ("Failed", False)
    (failure,) = outcome["failures"]
    assert (failure["stage"], failure["shard"], failure["exit_code"]) == ("encode", 0, 2)


def test_once_the_shard_is_done_its_failure_is_history(
    small_root: Path, ended: Ended, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is the same as without --partial then."""
    store = shutil.copytree(ended.store, tmp_path / "store")
    folder = RunFolder(FolderObjects(store), "r")
    assert folder.failures("encode")
    write_model(store, f"{small_root}/gone", f"{small_root}/tiny")
    whole = finish(folder)
    capsys.readouterr()
    assert run(["report", "--run", "r", "--store", str(store), "--partial", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experts"]["planned"] == whole.experts.planned
    assert not folder.failures("encode")
