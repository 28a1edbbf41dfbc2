"""Workers of one machine share its GPUs out."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from semoe.runs.folder import RunFolder
from semoe.runs.gpus import gpus_here, least_used
from semoe.runs.local import LocalBackend
from tests.runs.planned import planned


@pytest.mark.parametrize(
    ("visible", "count", "expected"),
    [
        (None, 3, ("0", "1", "2")),
        ("2, 0", 2, ("2", "0")),
        ("GPU-ab,GPU-cd", 2, ("GPU-ab", "GPU-cd")),
        ("", 0, ()),
        (None, 0, ()),
    ],
)
def test_gpus_have_the_names_that_they_were_given(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, count: int, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_here() == expected


def test_the_least_used_comes_first() -> None:
    assert least_used(["0", "1", "2"], []) == "0"
    assert least_used(["0", "1", "2"], ["0", "2"]) == "1"
    assert least_used(["0", "1"], ["0", "1", "0"]) == "1"


@pytest.mark.parametrize(
    ("gpus", "parallelism", "expected"), [("01", 2, {"0", "1"}), ("01", 1, {"?"}), ("0", 2, {"?"})]
)
def test_workers_at_once_see_one_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: str, parallelism: int, expected: set[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def telling(folder: RunFolder, stage: str, shard: int, options: Sequence[str]) -> list[str]:
        script = "import os, sys, time; print(os.environ.get('CUDA_VISIBLE_DEVICES', '?'), file=open(sys.argv[1], 'w'))"
        return [sys.executable, "-c", f"{script}; time.sleep(0.5)", str(tmp_path / str(shard))]

    monkeypatch.setattr("semoe.runs.processes.command", telling)
    backend = LocalBackend(folder=planned(tmp_path / "store"), parallelism=parallelism, gpus=tuple(gpus))
    backend._run_stage("retrieve", [1, 1])
    assert {(tmp_path / str(shard)).read_text().strip() for shard in (0, 1)} == expected
