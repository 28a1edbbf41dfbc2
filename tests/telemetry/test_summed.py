"""What several processes count is served as if one had, also once some of them ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from semoe.telemetry.metrics import Metrics
from semoe.telemetry.summed import FOLDER, forget_gauges, summed
from tests.telemetry.scraping import Samples, samples

COUNT = """
import os
from semoe.telemetry.counting import metrics
metrics.expert_trained(loss=0.5, num_tokens=100)
metrics.errors.labels("a-kind").inc()
metrics.experts_waiting.set(4)
metrics.shard_items.labels("encode").set(10)
print(os.getpid())
"""


def worker(folder: Path) -> int:
    """Counts in a process of its own; returns its id."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {FOLDER: str(folder)},
    )
    return int(done.stdout)


@pytest.fixture
def own() -> CollectorRegistry:
    """Of the process that serves: it counts nothing but its GPUs and its calls of the store."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.gpu_sampled("0", busy_seconds=3, used_bytes=1, all_bytes=2)
    with metrics.s3_call("get"):
        pass
    return registry


def served(own: CollectorRegistry, folder: Path) -> Samples:
    return samples(generate_latest(summed(own, folder)).decode())


def test_counters_histograms_and_gauges_add_up(own: CollectorRegistry, tmp_path: Path) -> None:
    before = served(own, tmp_path)
    assert before["semoe_experts_trained_total"] == 0
    first = worker(tmp_path)
    worker(tmp_path)
    (tmp_path / "counter_1.db").touch()  # of a worker that begins this moment
    found = served(own, tmp_path)
    assert {name for name in before if "_created" not in name} <= set(found)
    assert found["semoe_experts_trained_total"] == found['semoe_errors_total{kind="a-kind"}'] == 2
    buckets = {edge: found[f'semoe_training_loss_bucket{{le="{edge}"}}'] for edge in ("0.3", "1.0", "+Inf")}
    assert buckets == {"0.3": 0, "1.0": 2, "+Inf": 2}
    assert (found["semoe_training_loss_sum"], found["semoe_training_loss_count"]) == (1.0, 2)
    assert (found["semoe_experts_waiting"], found['semoe_shard_items{stage="encode"}']) == (8, 20)
    assert found['semoe_gpu_busy_seconds_total{gpu="0"}'] == 3
    assert found['semoe_s3_requests_total{operation="get",outcome="ok"}'] == 1
    forget_gauges(first, tmp_path)
    after = served(own, tmp_path)
    assert (after["semoe_experts_waiting"], after['semoe_shard_items{stage="encode"}']) == (4, 10)
    assert after["semoe_experts_trained_total"] == 2
