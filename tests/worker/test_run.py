"""Whole runs over the store: killed, raced, stopped and resumed, they end as one that was left alone."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.job import Job
from semoe.runs.local import LocalBackend
from semoe.runs.outcome import make_outcome
from semoe.runs.report import RunReport, make_report
from semoe.runs.shard import run_shard
from semoe.runs.shard_items import STAGES, shard_items
from semoe.runs.shards import works
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects, open_objects
from tests.small_run import plan, planned
from tests.store.objects.wrapped import Wrapped

OFTEN = ("--commit_seconds", "0")


def finish(folder: RunFolder) -> RunReport:
    """Does what is left, in this process."""
    plan, manifest = folder.plan(), folder.manifest()
    for stage in STAGES:
        for shard in range(len(shard_items(stage, plan, manifest))):
            run_shard(folder, stage, shard)
    return make_report(folder)


def is_whole(report: RunReport) -> bool:
    """Every passage has an expert, or gave nothing to learn, and none was published twice."""
    experts = report.experts
    return (
        experts.planned > 20
        and experts.in_store + experts.without_pairs == experts.planned
        and experts.committed == experts.committed_distinct == experts.in_store
        and all(one.num_questions == 8 for one in report.overall)
    )


def test_a_run_from_plan_to_report_and_a_second_one_that_has_nothing_to_do(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, processes = planned(small_root, tmp_path, shards=2), list[object]()
    place = ["--run", "r", "--store", str(tmp_path / "store")]
    LocalBackend(folder=folder, parallelism=2, on_start=processes.append).run()
    first = make_report(folder)
    assert is_whole(first)
    assert len(processes) == 6
    LocalBackend(folder=folder, on_start=processes.append).run()
    assert len(processes) == 6
    counted = Wrapped(folder.objects)
    run_shard(RunFolder(counted, "r"), "encode", 0)
    assert len(counted.reads) == 1
    capsys.readouterr()
    assert run(["status", *place, "--format", "json"]) == 0
    assert [(s["num_shards"], s["finished"]) for s in json.loads(capsys.readouterr().out)] == [(2, 2)] * 4
    assert run(["report", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experts"]["planned"] == first.experts.planned
    assert run(["logs", *place, "--stage", "encode", "--shard", "1"]) == 0
    assert "encode shard 1" in capsys.readouterr().out
    assert run(["export", *place, "--to", str(tmp_path / "out"), "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert (exported["num_questions"], exported["num_experts"]) == (8, first.experts.in_store)
    assert (
        len(list((tmp_path / "out").glob("offline/tiny/*/popqa/*/*/total/data_*/passage_*"))) == exported["num_folders"]
    )
    assert (tmp_path / "out" / "data_aug" / "popqa" / "parse" / "total.json").exists()
    (answers,) = (tmp_path / "out").glob("output/tiny/*/popqa/*/*/combine/total/predict.json")
    assert [record["did"] for record in json.loads(answers.read_text())] == list(range(8))
    # Another run over the same questions finds every expert.
    assert run(plan(small_root, str(tmp_path / "store"), name="again")) == 0
    again = finish(RunFolder(folder.objects, "again"))
    assert (again.experts.committed, again.experts.in_store) == (0, first.experts.in_store)
    assert [one.scores for one in again.overall] == [one.scores for one in first.overall]


def test_a_plan_that_leaves_retrieval_to_the_run(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a cluster, whose index is out of the plan's reach: shards are known stage by stage."""
    later, now = str(tmp_path / "later"), str(tmp_path / "now")
    more = ("--shards", "3", "--question_shards", "2")
    assert run(plan(small_root, later, *more, "--retrieve_later", "--json")) == 0
    assert run(plan(small_root, now, *more)) == 0
    folder = RunFolder(FolderObjects(tmp_path / "later"), "r")
    assert folder.manifest() is None
    capsys.readouterr()

    def shards(stage: str) -> int:
        assert run(["shards", "--run", "r", "--stage", stage, "--store", later]) == 0
        return int(capsys.readouterr().out)

    assert shards("retrieve") == 2
    for shard in range(2):
        run_shard(folder, "retrieve", shard)
    assert (shards("retrieve"), shards("augment"), shards("inference")) == (0, 3, 2)
    assert folder.manifest() == RunFolder(FolderObjects(tmp_path / "now"), "r").manifest()
    LocalBackend(folder=folder).run()
    assert is_whole(make_report(folder))
    assert shards("encode") == 0


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


def worker(folder: RunFolder, stage: str, shard: int) -> "subprocess.Popen[bytes]":
    place = ["--store", folder.objects.url, "--run", "r", "--stage", stage, "--shard", str(shard)]
    return subprocess.Popen([sys.executable, "-m", "semoe", "worker", *place])


def test_two_workers_on_one_shard_both_end_well_and_train_each_expert_once(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    run_shard(folder, "augment", 0)
    both = [worker(folder, "encode", 0) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert is_whole(finish(folder))


def test_sigterm_keeps_what_is_finished_and_asks_for_another_attempt(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    run_shard(folder, "augment", 0)
    process = worker(folder, "encode", 0)
    while not (beat := folder.find_heartbeat("encode", 0)) or beat.total == 0:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    # As the exit handler of a workflow whose time is over, while its workers have their grace.
    outcome, _ = make_outcome(folder, wait_s=60)
    ended = {0: (1, []), 75: (0, ["stopped"])}[process.wait()]
    assert (outcome.stages[STAGES.index("encode")].finished, [one.kind for one in outcome.failures]) == ended
    run_shard(folder, "encode", 0)
    report = folder.find_report("encode", 0)
    assert report is not None
    assert report.counts["found"] + report.counts["trained"] == 24 - report.counts["without_pairs"]


def test_a_stop_ends_the_work_after_the_batch_in_hand_and_keeps_it(small_root: Path, tmp_path: Path) -> None:
    folder, asked = planned(small_root, tmp_path, shards=1), count()
    run_shard(folder, "augment", 0)
    job = Job(folder=folder, plan=folder.plan(), stage="encode", shard=0, stop=lambda: next(asked) > 2)
    counts, space = works["encode"](job)
    total = counts["passages"] - counts["without_pairs"]
    assert 0 < counts["trained"] < total
    assert counts["trained"] == counts["published"] == len(ExpertStore(folder.objects, space))
    after = run_shard(folder, "encode", 0)
    assert (after.counts["found"], after.counts["trained"]) == (counts["trained"], total - counts["trained"])


def test_a_worker_with_wrong_settings_ends_the_run_at_once(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, processes = planned(small_root, tmp_path, shards=1), list[object]()
    run_shard(folder, "augment", 0)
    broken = tmp_path / "store" / "runs" / "r" / "plan.json"
    broken.write_text(broken.read_text().replace(f"{small_root}/tiny", f"{small_root}/gone"))
    with pytest.raises(UsageError, match=r"encode shard 0, attempt 1, ended with 2.*gone"):
        LocalBackend(folder=folder, on_start=processes.append).run()
    assert len(processes) == 1
    place = ["--run", "r", "--store", str(tmp_path / "store")]
    assert run(["logs", *place, "--failed"]) == 0
    assert "gone" in capsys.readouterr().out
    assert run(["status", *place]) == 0
    assert "encode shard 0 failed for good" in " ".join(capsys.readouterr().err.split())
    assert run(["report", *place, "--partial", "--said", "Failed", "--json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["said"], outcome["is_finished"]) == ("Failed", False)
    (failure,) = outcome["failures"]
    assert (failure["stage"], failure["shard"], failure["exit_code"]) == ("encode", 0, 2)
    # Once the shard is done, its failure is history; the report is the same as without --partial.
    broken.write_text(broken.read_text().replace(f"{small_root}/gone", f"{small_root}/tiny"))
    whole = finish(folder)
    assert run(["report", *place, "--partial", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experts"]["planned"] == whole.experts.planned
    assert not folder.failures("encode")


def test_ctrl_c_stops_the_workers_and_the_run_goes_on(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    command = [sys.executable, "-m", "semoe", "run", "--run", "r", "--store", str(tmp_path / "store")]
    process = subprocess.Popen(command)
    while not folder.names("progress/augment/"):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert is_whole(finish(folder))


def test_mistakes_are_named(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = planned(small_root, tmp_path)
    store = str(tmp_path / "store")
    place = ["--store", store]
    for arguments, words in (
        (plan(small_root, store, "--topk", "2", "--shards", "3"), "exists with another topk"),
        (plan(small_root, store, "--with_cot", "--dataset", "cwq", "--data_path", "x"), "one dataset"),
        (["run", "--run", "other", *place], "There are: r"),
        (["report", "--run", "r", *place], "is not finished"),
        (["worker", "--run", "r", "--stage", "encod", "--shard", "0", *place], "Did you mean 'encode'"),
        (["worker", "--run", "r", "--stage", "encode", "--shard", "9", *place], "shards 0 to 2, not 9"),
        (["run", "--run", "r", "--backend", "locl", *place], "Did you mean 'local'"),
        (["run", "--run", "../r", *place], "cannot name an object"),
    ):
        assert run(arguments) == 2
        assert words in " ".join(capsys.readouterr().err.split())
    dear = plan(small_root, store, "--experts_per_second", "0.001", "--gpu_price", "100", name="dear")
    assert run(dear) == 0
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for arguments, words in (
        (["run", "--run", "dear", *place], "experts for up to"),
        (["run", "--run", "dear", "--ask_above", "1", *place], "Nobody can be asked here: say --yes"),
        (["run", "--run", "r", "--backend", "argo", "--namespace", "n", *place], "Set KUBECONFIG"),
        (["run", "--run", "r", "--backend", "argo", "--parameter", "gpus", *place], "give name=value"),
        (["status", "--run", "r", "--namespace", "n", *place], "Set KUBECONFIG"),
    ):
        capsys.readouterr()
        assert run(arguments) == 2
        assert words in " ".join(capsys.readouterr().err.split())
    folder.objects.put("runs/r/manifest.json", b'{"num_passages": "many"}')
    assert run(["run", "--run", "r", *place]) == 1
    assert "manifest.json is damaged" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_workers_killed_at_random_until_the_end(small_root: Path, tmp_path: Path) -> None:
    """Every few seconds a random one of three dies by -9."""
    folder, alive, over = planned(small_root, tmp_path, shards=6), list["subprocess.Popen[bytes]"](), threading.Event()
    killed = 0

    def kill_some() -> None:
        nonlocal killed
        chance = random.Random(0)
        while not over.wait(chance.uniform(2, 7)):
            if running := [process for process in alive if process.poll() is None]:
                os.kill(chance.choice(running).pid, signal.SIGKILL)
                killed += 1

    killer = threading.Thread(target=kill_some)
    killer.start()
    try:
        LocalBackend(folder=folder, parallelism=3, options=OFTEN, max_attempts=1000, on_start=alive.append).run()
    finally:
        over.set()
        killer.join()
    assert killed > 5
    assert is_whole(make_report(folder))


def test_a_worker_that_is_to_commit_at_once_commits_each_expert(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, shards=1)
    run_shard(folder, "augment", 0)
    place = ["--run", "r", "--store", str(tmp_path / "store"), "--stage", "encode", "--shard", "0"]
    assert run(["worker", *place, *OFTEN]) == 0
    report = folder.find_report("encode", 0)
    assert report is not None
    commits = list(folder.objects.list(f"spaces/{report.space}/commits/r/"))
    assert len(commits) == report.counts["published"] > 10
