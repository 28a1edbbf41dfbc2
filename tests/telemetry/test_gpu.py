"""What is sampled of GPUs, by a module that stands for NVIDIA's; and that without a GPU nothing happens at all."""

import importlib.util
import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from semoe.telemetry.gpu import sampled_gpus
from semoe.telemetry.metrics import Metrics
from semoe.telemetry.server import serving
from tests.telemetry.scraping import Samples, free_port, samples, scrape

STAND_IN = Path(__file__).with_name("stand_in") / "pynvml.py"
OFTEN = 0.01


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Two GPUs: 75 % busy with 60 of 80 GiB used, and 20 % busy with 1 of 40."""
    spec = importlib.util.spec_from_file_location("pynvml", STAND_IN)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return module


def of_gpus(registry: CollectorRegistry) -> Samples:
    found = samples(generate_latest(registry).decode())
    return {name: value for name, value in found.items() if "semoe_gpu_" in name and "_created" not in name}


def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about in 5 seconds")


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "gpus"]


def test_each_gpu_has_its_busy_time_and_its_memory(nvml: ModuleType) -> None:
    registry = CollectorRegistry()
    began = time.monotonic()
    with sampled_gpus(Metrics(registry), every_seconds=OFTEN):
        until(lambda: of_gpus(registry).get('semoe_gpu_busy_seconds_total{gpu="1"}', 0) > 0.05)
        found = of_gpus(registry)
        passed = time.monotonic() - began
    busy = {gpu: found.pop(f'semoe_gpu_busy_seconds_total{{gpu="{gpu}"}}') for gpu in "01"}
    assert found == {
        'semoe_gpu_memory_used_bytes{gpu="0"}': 60 * 2**30, 'semoe_gpu_memory_bytes{gpu="0"}': 80 * 2**30,
        'semoe_gpu_memory_used_bytes{gpu="1"}': 1 * 2**30, 'semoe_gpu_memory_bytes{gpu="1"}': 40 * 2**30,
    }  # fmt: skip
    # The second may be one sample behind the first.
    assert busy["0"] == pytest.approx(busy["1"] * 75 / 20, rel=0.5)
    assert 0.05 < busy["1"] <= passed * 0.2
    assert nvml.called[:2] == ["nvmlInit", "nvmlDeviceGetCount"]


def test_the_series_begin_at_0_with_the_first_sample(nvml: ModuleType) -> None:
    registry = CollectorRegistry()
    with sampled_gpus(Metrics(registry), every_seconds=60):
        until(lambda: len(of_gpus(registry)) == 6)
        assert of_gpus(registry)['semoe_gpu_busy_seconds_total{gpu="0"}'] == pytest.approx(0, abs=0.01)


def test_the_thread_stops_at_the_end_of_the_block_at_once(nvml: ModuleType) -> None:
    registry = CollectorRegistry()
    with sampled_gpus(Metrics(registry), every_seconds=60):
        until(lambda: bool(of_gpus(registry)))
        assert threads() == ["gpus"]
        ended = time.monotonic()
    assert time.monotonic() - ended < 1
    assert threads() == []
    assert nvml.called[-1] == "nvmlShutdown"
    assert of_gpus(registry) == {}


@pytest.mark.parametrize("where", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetUtilizationRates", "nvmlShutdown"])
def test_a_driver_that_refuses_costs_the_metrics_alone(
    where: str, nvml: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    registry, nvml.error_at = CollectorRegistry(), where
    with caplog.at_level(logging.DEBUG, logger="semoe"), sampled_gpus(Metrics(registry), every_seconds=OFTEN):
        until(lambda: where in nvml.called or where == "nvmlShutdown")
    assert threads() == []
    assert of_gpus(registry) == {}
    assert [said.levelname for said in caplog.records] == ["DEBUG"]
    assert f"{where} failed" in caplog.text
    assert ("nvmlShutdown" in nvml.called) == (where != "nvmlInit")


def test_a_gpu_that_is_lost_in_the_middle_leaves_no_series_that_stands_still(nvml: ModuleType) -> None:
    registry = CollectorRegistry()
    with sampled_gpus(Metrics(registry), every_seconds=OFTEN):
        until(lambda: len(of_gpus(registry)) == 6)
        nvml.error_at = "nvmlDeviceGetMemoryInfo"
        until(lambda: threads() == [])
        assert of_gpus(registry) == {}


def test_without_the_package_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    registry = CollectorRegistry()
    with caplog.at_level(logging.DEBUG, logger="semoe"), sampled_gpus(Metrics(registry)):
        until(lambda: threads() == [])
    assert of_gpus(registry) == {}
    assert [said.levelname for said in caplog.records] == ["DEBUG"]


def test_a_driver_that_hangs_does_not_hold_the_end(nvml: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr("semoe.telemetry.gpu.END_SECONDS", 0.1)
    monkeypatch.setattr(nvml, "nvmlDeviceGetMemoryInfo", lambda _: hangs.wait(10) and nvml.MEMORY[0])
    with sampled_gpus(Metrics(CollectorRegistry())):
        until(lambda: "nvmlDeviceGetUtilizationRates" in nvml.called)
        ended = time.monotonic()
    assert time.monotonic() - ended < 5
    hangs.set()
    until(lambda: threads() == [])


def test_they_are_served_until_the_last_scrape_and_not_without_a_port(nvml: ModuleType) -> None:
    with serving(0):
        assert threads() == []
    port = free_port()
    with serving(port):
        until(lambda: 'semoe_gpu_memory_bytes{gpu="1"}' in scrape(port))
    assert threads() == []
