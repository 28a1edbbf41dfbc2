"""What is written when something ends a run: not before the workers have told of their end."""

import time
from pathlib import Path
from threading import Timer

import pytest

from semoe.runs import outcome
from semoe.runs.folder import RunFolder
from semoe.runs.outcome import make_outcome
from semoe.runs.records import Failure, Heartbeat, ShardReport
from semoe.runs.status import ALIVE_SECONDS
from tests.runs.planned import planned

LONG = 30.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setattr(outcome, "POLL_SECONDS", 0.05)
    return planned(tmp_path / "store")


def live(folder: RunFolder, shard: int, worker: str, ago: float = 0.0) -> None:
    beat = Heartbeat(done=1, total=8, time=time.time() - ago, seconds=1.0, worker=worker)
    folder.write_heartbeat("retrieve", shard, beat)


def fail(folder: RunFolder, shard: int, worker: str) -> None:
    folder.write_failure(
        Failure(
            stage="retrieve", shard=shard, worker=worker, kind="stopped", message="Asked to stop.", exit_code=75,
            time=time.time(),
        )
    )  # fmt: skip


def finish(folder: RunFolder, shard: int) -> None:
    folder.write_report(ShardReport(stage="retrieve", shard=shard, seconds=1.0, time=time.time()))


def seconds_of(folder: RunFolder, wait_seconds: float) -> float:
    began = time.monotonic()
    make_outcome(folder, wait_seconds=wait_seconds)
    return time.monotonic() - began


def test_it_waits_for_workers_until_each_has_finished_or_failed(folder: RunFolder) -> None:
    live(folder, 0, "a")
    live(folder, 1, "b")
    Timer(0.3, fail, args=(folder, 0, "a")).start()
    Timer(0.6, finish, args=(folder, 1)).start()
    found, _ = make_outcome(folder, wait_seconds=LONG)
    retrieve = found.stages[0]
    assert (retrieve.finished, retrieve.alive) == (1, 0)
    assert [one.kind for one in found.failures] == ["stopped"]
    assert folder.find("outcome.json", outcome.Outcome) == found


def test_another_attempt_at_a_failed_shard_is_waited_for(folder: RunFolder) -> None:
    fail(folder, 0, "a")
    live(folder, 0, "b")
    Timer(0.4, finish, args=(folder, 0)).start()
    found, _ = make_outcome(folder, wait_seconds=LONG)
    assert (found.stages[0].finished, found.failures) == (1, ())


def test_nobody_waits_for_what_has_ended(folder: RunFolder) -> None:
    """The last thing that a worker writes is a sign of life."""
    fail(folder, 0, "a")
    live(folder, 0, "a")
    finish(folder, 1)
    live(folder, 1, "b")
    assert seconds_of(folder, LONG) < LONG / 2


def test_a_worker_that_vanished_is_waited_for_no_longer_than_is_said(folder: RunFolder) -> None:
    live(folder, 0, "a", ago=ALIVE_SECONDS)
    assert seconds_of(folder, LONG) < LONG / 2
    live(folder, 0, "a")
    assert 0.5 <= seconds_of(folder, 0.5) < LONG / 2
    assert seconds_of(folder, 0.0) < LONG / 2
