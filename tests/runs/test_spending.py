"""What a run has cost so far, and that one which costs too much is ended with what it has."""

from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.records import Heartbeat
from semoe.runs.spending import find_estimate, require_price, require_within, spending_of
from semoe.store.objects import FolderObjects
from tests.small_corpus import corpus, planned


def beat(seconds: float, earlier: float = 0.0) -> Heartbeat:
    return Heartbeat(done=1, total=2, time=0, seconds=seconds, worker="w", earlier_seconds=earlier)


def test_all_attempts_are_paid_for(tmp_path: Path) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    assert (spending_of(folder).hours, spending_of(folder).money) == (0, None)
    folder.write_heartbeat("encode", 0, beat(1800.0, earlier=900.0))
    folder.write_heartbeat("encode", 1, beat(600.0))
    folder.write_heartbeat("augment", 0, beat(300.0))
    assert spending_of(folder).hours == pytest.approx(1.0)
    with pytest.raises(UsageError, match="--gpu_price"):
        require_price(folder)
    folder.objects.put("runs/r/estimate.json", b'{"num_passages": 3}')
    assert find_estimate(folder) is None, "an earlier version made it in another way"


def test_a_run_that_costs_too_much_ends_and_goes_on_with_more(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(small_root, tmp_path, corpus(tmp_path, 12), "--shards", "1", "--gpu_price", "3600")
    folder.write_heartbeat("encode", 0, beat(7.0))
    place = ["--run", "wiki", "--store", str(tmp_path / "store"), "--yes"]
    capsys.readouterr()
    assert run(["run", *place, "--max_cost", "6"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "has cost 7.00, more than --max_cost 6.00" in said
    assert run(["status", *place[:4]]) == 0
    assert "which cost 7.00" in " ".join(capsys.readouterr().err.split())
    require_within(folder, 8)
    assert run(["run", *place, "--max_cost", "1000000"]) == 0
    assert spending_of(folder).hours > 7 / 3600
    assert run(["run", *place, "--max_cost", "9", "--backend", "argo", "--detach"]) == 2


def test_without_a_price_there_is_no_limit(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(small_root, tmp_path, corpus(tmp_path, 3), "--shards", "1")
    assert run(["run", "--run", "wiki", "--store", str(tmp_path / "store"), "--max_cost", "6"]) == 2
    assert "needs the price of a worker's hour" in " ".join(capsys.readouterr().err.split())
