"""Runs over the store that are killed, raced, stopped and resumed end as one that was left alone."""

import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.job import Job
from semoe.runs.local import LocalBackend
from semoe.runs.outcome import make_outcome
from semoe.runs.processes import WorkerProcess, end
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES
from semoe.runs.shards import works
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import open_objects
from tests.runs.killing import run_while_killing
from tests.small_run import finish, is_whole, plan, planned

OFTEN = ("--commit_seconds", "0")


@pytest.fixture
def augmented(small_root: Path, tmp_path: Path) -> RunFolder:
    """A run of one shard whose passages wait for their experts."""
    folder = planned(small_root, tmp_path, shards=1)
    run_shard(folder, "augment", 0)
    return folder


def worker(folder: RunFolder, stage: str, shard: int) -> "subprocess.Popen[bytes]":
    place = ["--store", folder.objects.url, "--run", "r", "--stage", stage, "--shard", str(shard)]
    return subprocess.Popen([sys.executable, "-m", "semoe", "worker", *place])


def test_workers_that_are_killed_lose_nothing_and_train_nothing_twice(
    small_root: Path, bucket: str, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a real S3 server each worker of the first four dies by -9, a little later each time."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{bucket}/killed"
    assert run(plan(small_root, url, "--shards", "2")) == 0
    folder, started = RunFolder(open_objects(url), "r"), 0

    def kill_later(process: "subprocess.Popen[bytes]") -> None:
        nonlocal started
        started += 1
        if started <= 4:
            threading.Timer(0.5 + 0.8 * started, process.kill).start()

    LocalBackend(folder=folder, parallelism=2, options=OFTEN, on_start=kill_later).run()
    assert started > 6
    assert is_whole(make_report(folder))


def test_two_workers_on_one_shard_both_end_well_and_train_each_expert_once(augmented: RunFolder) -> None:
    both = [worker(augmented, "encode", 0) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert is_whole(finish(augmented))


def test_sigterm_keeps_what_is_finished_and_asks_for_another_attempt(augmented: RunFolder) -> None:
    process = worker(augmented, "encode", 0)
    while not (beat := augmented.find_heartbeat("encode", 0)) or beat.total == 0:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    # As the exit handler of a workflow whose time is over, while its workers have their grace.
    outcome, _ = make_outcome(augmented, wait_seconds=60)
    ended = {0: (1, []), 75: (0, ["stopped"])}[process.wait()]
    assert (outcome.stages[STAGES.index("encode")].finished, [one.kind for one in outcome.failures]) == ended
    run_shard(augmented, "encode", 0)
    report = augmented.find_report("encode", 0)
    assert report is not None
    assert report.counts["found"] + report.counts["trained"] == 24 - report.counts["without_pairs"]


def test_a_stop_ends_the_work_after_the_batch_in_hand_and_keeps_it(augmented: RunFolder) -> None:
    asked = count()
    job = Job(folder=augmented, plan=augmented.plan(), stage="encode", shard=0, stop=lambda: next(asked) > 2)
    counts, space = works["encode"](job)
    total = counts.passages - counts.without_pairs
    assert 0 < counts.trained < total
    assert counts.trained == counts.published == len(ExpertStore(augmented.objects, space))
    after = run_shard(augmented, "encode", 0)
    assert (after.counts["found"], after.counts["trained"]) == (counts.trained, total - counts.trained)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_batch_system_stop_the_workers_and_the_run_goes_on(
    small_root: Path, tmp_path: Path, how: signal.Signals
) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    process = begun(folder)
    process.send_signal(how)
    assert process.wait() == 130
    assert is_whole(finish(folder))


def test_a_worker_ends_with_who_began_it(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    process = begun(folder)
    process.kill()
    process.wait()
    # The worker would make everything else, too, and nobody would know of it.
    while not folder.failures("augment"):
        time.sleep(0.05)
    assert [one.kind for one in folder.failures("augment")] == ["stopped"]


def test_who_is_interrupted_once_more_leaves_no_worker_behind(tmp_path: Path) -> None:
    """The worker is one that hears of nothing."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        said.readline()
    threading.Timer(0.5, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        end([WorkerProcess(stage="encode", shard=0, process=process, gpu="")])
    assert process.wait() == -signal.SIGKILL


def begun(folder: RunFolder) -> "subprocess.Popen[bytes]":
    """A run whose first worker is at work, in a process of its own."""
    command = [sys.executable, "-m", "semoe", "run", "--run", "r", "--store", folder.objects.url]
    process = subprocess.Popen(command)
    while not folder.names("progress/augment/"):
        time.sleep(0.05)
    return process


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_workers_killed_at_random_until_the_end(small_root: Path, tmp_path: Path) -> None:
    """Every few seconds a random one of three dies by -9."""
    folder = planned(small_root, tmp_path, shards=6)
    assert run_while_killing(folder) > 5
    assert is_whole(make_report(folder))


def test_a_worker_that_is_to_commit_at_once_commits_each_expert(augmented: RunFolder, tmp_path: Path) -> None:
    place = ["--run", "r", "--store", str(tmp_path / "store"), "--stage", "encode", "--shard", "0"]
    assert run(["worker", *place, *OFTEN]) == 0
    report = augmented.find_report("encode", 0)
    assert report is not None
    commits = list(augmented.objects.list(f"spaces/{report.space}/commits/r/"))
    assert len(commits) == report.counts["published"] > 10
