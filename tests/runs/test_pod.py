"""A pod of several GPUs does as many shards at once, each in a process, and ends as its workers' ends ask for."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import SemoeError, TransientError, UsageError, WorkerError
from semoe.runs.folder import RunFolder
from semoe.runs.pod import Pod, num_pods, shards_of
from semoe.runs.records import ShardReport
from tests.runs.planned import planned
from tests.small_run import is_whole
from tests.small_run import planned as small_run
from tests.telemetry.scraping import free_port, scraped_until_the_end

Scripted = Callable[[dict[int, str]], None]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """Takes what each shard's worker does, in Python, in place of the command."""

    def make(scripts: dict[int, str]) -> None:
        def command(folder: RunFolder, stage: str, shard: int, options: Sequence[str]) -> list[str]:
            return [sys.executable, "-c", f"import os, signal, sys, time; {scripts[shard]}"]

        monkeypatch.setattr("semoe.runs.processes.command", command)

    return make


def pod(folder: RunFolder, **more: object) -> Pod:
    return Pod(folder=folder, stage="retrieve", gpus_per_pod=2, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("gpus", "number"), [(0, 5), (1, 5), (2, 3), (5, 1), (8, 1)])
def test_pods_have_every_shard_once(tmp_path: Path, gpus: int, number: int) -> None:
    assert num_pods(5, gpus) == number
    folder = planned(tmp_path, shards=5)
    if gpus > 1:
        shares = [list(shards_of(folder, "retrieve", one, gpus)) for one in range(number)]
        assert [shard for share in shares for shard in share] == [0, 1, 2, 3, 4]
        with pytest.raises(UsageError, match=f"pods 0 to {number - 1}, not {number}"):
            shards_of(folder, "retrieve", number, gpus)


@pytest.mark.parametrize(
    ("scripts", "kind", "said"),
    [
        ({0: "sys.exit(2)", 1: "pass"}, UsageError, "1 of 2 workers ended badly; retrieve shard 0 with 2"),
        ({0: "sys.exit('a bug')", 1: "sys.exit(2)"}, UsageError, "2 of 2 .*shard 1 with 2"),
        ({0: "pass", 1: "sys.exit('a bug')"}, WorkerError, "shard 1 with 1: a bug"),
        ({0: "sys.exit(2)", 1: "sys.exit(75)"}, TransientError, "shard 1 with 75"),
        ({0: "os.kill(os.getpid(), 9)", 1: "sys.exit('a bug')"}, TransientError, "shard 0 with -9: no word"),
    ],
)
def test_a_pod_is_tried_again_as_long_as_one_of_its_workers_may_be_mended(
    tmp_path: Path, scripted: Scripted, scripts: dict[int, str], kind: type[SemoeError], said: str
) -> None:
    scripted(scripts)
    with pytest.raises(kind, match=said):
        pod(planned(tmp_path)).run([0, 1])


def test_a_worker_that_dies_leaves_its_neighbours_at_work(tmp_path: Path, scripted: Scripted) -> None:
    scripted({0: "sys.exit(1)", 1: f"time.sleep(0.7); open({str(tmp_path / 'done')!r}, 'w')"})
    failed = list[int]()
    with pytest.raises(WorkerError):
        pod(planned(tmp_path), on_failure=failed.append).run([0, 1])
    assert (tmp_path / "done").exists()
    assert len(failed) == 1


def test_each_has_a_gpu_and_its_share_of_the_threads_and_each_line_its_shard(
    tmp_path: Path, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is one to a pod, as its port, its workers do not have."""
    given = {"OMP_NUM_THREADS": "5", "SEMOE_METRICS_PORT": "9100", "SEMOE_COUNTS_DIR": "/counts"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    names = ["CUDA_VISIBLE_DEVICES", "MINE", *given]
    scripted(dict.fromkeys((0, 1), f"print(*(os.environ.get(name) for name in {names}))"))
    said = list[str]()
    pod(planned(tmp_path), gpus=("2", "GPU-3"), variables={"MINE": "a"}, tell=said.append).run([0, 1])
    assert sorted(said) == [f"retrieve shard {n}: {gpu} a 2 None None" for n, gpu in enumerate(("2", "GPU-3"))]


def test_sigterm_reaches_every_worker_and_asks_for_another_attempt(tmp_path: Path, scripted: Scripted) -> None:
    keep = "signal.signal(15, lambda *_: sys.exit(75)); open({!r}, 'w'); time.sleep(60)"
    ready = [tmp_path / "0", tmp_path / "1"]
    scripted({shard: keep.format(str(path)) for shard, path in enumerate(ready)})

    def stop() -> None:
        while not all(path.exists() for path in ready):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop).start()
    with pytest.raises(TransientError) as raised:
        pod(planned(tmp_path / "store")).run([0, 1])
    assert raised.value.kind == "stopped"


def pods(folder: RunFolder, stage: str, capsys: pytest.CaptureFixture[str]) -> int:
    capsys.readouterr()
    place = ["--run", folder.run, "--store", folder.objects.url]
    assert run(["shards", *place, "--stage", stage, "--gpus_per_pod", "2"]) == 0
    return int(capsys.readouterr().out)


def working(folder: RunFolder, stage: str, number: int, *more: str) -> list[str]:
    what = ["--stage", stage, "--shard", str(number), "--gpus_per_pod", "2"]
    return ["worker", "--run", folder.run, "--store", folder.objects.url, *what, *more]


def test_what_a_pod_counts_are_the_sums_of_its_shards_also_of_those_that_were_done_before(
    tmp_path: Path, scripted: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(tmp_path / "store", shards=3)
    reports = [
        ShardReport(stage="retrieve", shard=shard, seconds=1, time=0, counts={"questions": shard + 1, "retrieved": 3})
        for shard in range(3)
    ]
    folder.write_report(reports[0])
    scripted({1: "sys.exit(75)"})
    there = tmp_path / "counts"
    assert run(working(folder, "retrieve", 0, "--counts_dir", str(there))) == 75
    assert not there.exists()
    path = tmp_path / "store" / "runs" / "first" / "shards" / "retrieve" / "00001.json"
    written = json.dumps({"stage": "retrieve", "shard": 1, "seconds": 1, "time": 0, "counts": reports[1].counts})
    scripted({1: f"open({str(path)!r}, 'w').write({written!r})"})
    capsys.readouterr()
    assert run(working(folder, "retrieve", 0, "--counts_dir", str(there), "--json")) == 0
    assert [one["shard"] for one in json.loads(capsys.readouterr().out)] == [0, 1]
    assert {file.name: file.read_text() for file in there.iterdir()} == {"questions": "3", "retrieved": "6"}
    assert run(working(folder, "retrieve", 0, "--counts_dir", str(tmp_path / "none"))) == 0
    assert not (tmp_path / "none").exists(), "it was told before"
    assert pods(folder, "retrieve", capsys) == 2


def test_a_pod_serves_the_sum_of_its_workers(small_root: Path, tmp_path: Path) -> None:
    folder, port = small_run(small_root, tmp_path, "--retrieve_later", shards=3), free_port()
    more = ["--device", "cpu", "--metrics_port", str(port), "--last_scrape_seconds", "60"]
    process = subprocess.Popen([sys.executable, "-m", "semoe", *working(folder, "retrieve", 0, *more)])
    first, *_, last = scraped_until_the_end(process, port)
    assert process.wait() == 0
    assert folder.finished("retrieve") == [0, 1]
    counts = [report.counts for shard in (0, 1) if (report := folder.find_report("retrieve", shard))]
    assert first["semoe_retrievals_total"] == first["semoe_experts_trained_total"] == 0, "there from the start"
    assert last["semoe_retrievals_total"] == sum(one["questions"] for one in counts) > 3
    assert last["semoe_passages_retrieved_total"] == sum(one["retrieved"] for one in counts)
    assert last['semoe_shard_items{stage="retrieve"}'] == sum(one["questions"] for one in counts)
    assert last['semoe_errors_total{kind="stopped"}'] == 0


@pytest.mark.slow
def test_a_run_by_pods_of_two_is_whole(small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from semoe.runs.reporting import make_report
    from semoe.runs.shard_items import STAGES

    folder = small_run(small_root, tmp_path, shards=3)
    for stage in STAGES:
        for number in range(pods(folder, stage, capsys)):
            assert run(working(folder, stage, number)) == 0
    assert is_whole(make_report(folder))
