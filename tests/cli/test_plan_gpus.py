"""`plan` says on how many GPUs of this machine its workers go, where the run is done on this machine."""

import json
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.store.objects import FolderObjects
from tests.small_run import plan


@pytest.mark.parametrize(
    ("workers", "gpus", "said"),
    [
        (2, 2, "2 workers on 2 GPUs"),
        (1, 2, "1 worker on 1 of 2 GPUs"),
        (3, 2, "3 workers on 2 GPUs, which they share: reckoned as 2"),
        (2, 0, None),
    ],
)
def test_workers_and_gpus_are_counted(
    small_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    gpus: int,
    said: str | None,
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    capsys.readouterr()
    assert run([*plan(small_root, str(tmp_path), "--shards", "3", "--parallelism", str(workers)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out).get("workers") == said


def test_a_store_that_a_cluster_reads_says_nothing_of_this_machine(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(FolderObjects, "url", "s3://bucket/prefix")
    capsys.readouterr()
    assert run([*plan(small_root, str(tmp_path), "--retrieve_later", "--parallelism", "2"), "--json"]) == 0
    assert "workers" not in json.loads(capsys.readouterr().out)
