"""Faults that take a run of their own, minutes each, and so are not part of `make e2e`: too little of something.

`make e2e ARGS='-m "e2e and slow"'`. The others are in test_survives.py, in a run that is done anyway.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import NAMESPACE, kubectl, running, semoe, start, status, wait_until
from tests.e2e.conftest import CORPUS_KEY, plan
from tests.e2e.disturbed import nodes_of, phase

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(2400)]
STORE = "s3://semoe/faults"
RATES = iter(range(1, 100))
"""Each run has a space of experts of its own, by a learning rate of its own."""


def planned(run: str, s3: dict[str, str]) -> tuple[str, ...]:
    """Plans a run; returns where it is."""
    plan(run, s3, "--store", STORE, "--learning_rate", f"0.0003{next(RATES)}", "--inference_method", "prag,icl")
    return ("--run", run, "--store", STORE)


def begun(place: tuple[str, ...], s3: dict[str, str], *more: str) -> "subprocess.Popen[bytes]":
    """Submits a run and follows it."""
    given = (
        "--parameter", "commit_seconds=1", "--parameter", "cpu=100m", "--corpus", f"s3://semoe/{CORPUS_KEY}", *more,
    )  # fmt: skip
    return start("run", *place, "--backend", "argo", "--namespace", NAMESPACE, *given, **s3)


def nothing_was_lost_or_trained_twice(place: tuple[str, ...], s3: dict[str, str]) -> None:
    report: dict[str, Any] = json.loads(semoe("report", *place, "--json", **s3))
    experts = report["experts"]
    assert experts["in_store"] + experts["without_pairs"] == experts["planned"] > 20
    assert experts["committed"] == experts["committed_distinct"] == experts["in_store"]
    assert [one["num_questions"] for one in report["overall"]] == [8, 8]


@pytest.fixture
def quota() -> Iterator[None]:
    """Fits two of the run's pods with a GPU."""
    kubectl("create", "quota", "half", "--hard=requests.nvidia.com/gpu=2")
    yield
    kubectl("delete", "quota", "half")


def test_a_quota_fits_half_of_the_pods(installed: None, quota: None, s3: dict[str, str]) -> None:
    place = planned("quota", s3)
    run = begun(place, s3, "--parallelism", "4")
    wait_until(lambda: running("encode"), 900, "a training pod")
    said = wait_until(lambda: "exceeded quota" in (text := status(*place, **s3)) and text, 120, "why not all start")
    assert "encode-shard" in said
    assert run.wait(1500) == 0
    nothing_was_lost_or_trained_twice(place, s3)
    assert not [one for one in nodes_of("quota") if one["displayName"].endswith("(1)")]


def test_workers_are_killed_for_memory(installed: None, s3: dict[str, str]) -> None:
    place = planned("memory", s3)
    run = begun(place, s3, "--parameter", "memory=500Mi")
    assert run.wait(900) == 1
    assert phase("memory") == "Failed"
    said = status(*place, **s3)
    assert "OOMKilled" in said
    killed = [one for one in nodes_of("memory") if "OOMKilled" in one.get("message", "")]
    assert killed
    assert all(one["displayName"].endswith("(0)") for one in killed)
    resumed = start(
        "resume", *place, "--backend", "argo", "--namespace", NAMESPACE, "--parameter", "memory=3Gi", **s3
    )  # fmt: skip
    assert resumed.wait(1500) == 0
    nothing_was_lost_or_trained_twice(place, s3)
