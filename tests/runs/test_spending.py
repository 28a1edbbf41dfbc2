"""What a run has cost so far, and that one which costs too much is ended with what it has."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.runs.forecast import tell_forecast
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, ShardSize
from semoe.runs.records import Heartbeat, ShardReport
from semoe.runs.spending import Spending, Spent, find_estimate
from semoe.runs.status import StageStatus
from semoe.store.objects import FolderObjects
from tests.runs.planned import planned as planned_questions
from tests.small_corpus import corpus, planned


def beat(seconds: float, earlier: float = 0.0) -> Heartbeat:
    return Heartbeat(done=1, total=2, time=0, seconds=seconds, worker="w", earlier_seconds=earlier)


def test_all_attempts_are_paid_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    spent = Spent(folder)
    assert (spent.so_far().hours, spent.so_far().money) == (0, None)
    folder.write_heartbeat("encode", 0, beat(1800.0, earlier=900.0))
    folder.write_heartbeat("encode", 1, beat(600.0))
    folder.write_heartbeat("augment", 0, beat(300.0))
    assert spent.so_far().hours == pytest.approx(1.0)
    folder.write_report(ShardReport(stage="encode", shard=0, seconds=1800, time=0))
    assert spent.so_far().hours == pytest.approx(1.0)
    asked: list[str] = []
    found = folder.objects.get

    def get(name: str, start: int = 0, length: int | None = None) -> bytes:
        asked.append(name)
        return found(name, start, length)

    monkeypatch.setattr(folder.objects, "get", get)
    folder.objects.put("runs/r/progress/encode/00001.json", found("runs/r/progress/augment/00000.json"))
    assert spent.so_far().hours == pytest.approx((2700 + 300 + 300) / 3600), "and goes on with those at work"
    assert "runs/r/progress/encode/00000.json" not in asked, "what is finished is read once"
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
    assert run(["status", *place[:4], "--json"]) == 0
    stages = {one["stage"]: one for one in json.loads(capsys.readouterr().out)}
    assert [stages["encode"]["money"], stages["encode"]["hours"] * 3600] == pytest.approx([7.0, 7.0])
    assert stages["inference"]["money"] == 0
    folder.write_heartbeat("encode", 0, replace(beat(7.0), time=time.time()))
    assert run(["run", *place, "--max_cost", "1000000"]) == 0
    assert "A moment ago 1 of this run's workers were at work" in " ".join(capsys.readouterr().err.split())
    assert Spent(folder).so_far().hours > 7 / 3600
    assert run(["run", *place, "--max_cost", "6"]) == 0, "nothing is left to spend"
    capsys.readouterr()
    for more in (["--max_cost", "9", "--detach"], ["--augment_processes", "2"]):
        assert run(["run", *place, "--backend", "argo", *more]) == 2
        assert more[0] in capsys.readouterr().err


def test_without_a_price_there_is_no_limit(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(small_root, tmp_path, corpus(tmp_path, 3), "--shards", "1")
    assert run(["run", "--run", "wiki", "--store", str(tmp_path / "store"), "--max_cost", "6"]) == 2
    assert "needs the price of a worker's hour" in " ".join(capsys.readouterr().err.split())


def test_shards_far_below_the_mean_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    def stage(*slowest: tuple[int, float]) -> StageStatus:
        return StageStatus(
            stage="encode", num_shards=4, finished=0, alive=4, silent=0, done=1, total=9, items_per_second=8.0,
            slowest=slowest,
        )  # fmt: skip

    nothing = Spending(stage_hours={}, price=None)
    tell_forecast(None, nothing, [stage((3, 0.9), (1, 1.1))])
    assert capsys.readouterr().err.strip() == "encode: slow are shards 3 (0.90/s); the mean is 2.00/s."
    tell_forecast(None, nothing, [stage((3, 1.1))])
    assert capsys.readouterr().err == ""


def test_a_plan_whose_estimate_cannot_be_read_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier version reckoned in another way: nobody should spend for that."""
    folder = planned_questions(tmp_path / "store")
    sizes = (ShardSize(num_items=1),)
    many = Manifest(num_passages=200_000, num_retrieved=9, num_tokens=9, passage_shards=sizes)
    folder.write("manifest.json", many, Manifest)
    folder.objects.put("runs/first/estimate.json", b'{"num_passages": 200000, "wall_hours": 3}')
    monkeypatch.setenv("CI", "true")
    assert run(["run", "--run", "first", "--store", str(tmp_path / "store")]) == 2
    assert "Train up to 200,000 experts at an unknown price?" in " ".join(capsys.readouterr().err.split())
