"""Steps are timed one after the other, without what is paused."""

import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from semoe.telemetry.metrics import Metrics
from semoe.telemetry.step_clock import StepClock
from tests.telemetry.scraping import samples


def sleep_and_fail() -> None:
    time.sleep(0.5)
    raise ZeroDivisionError


def test_what_is_paused_is_in_no_step() -> None:
    registry = CollectorRegistry()
    clock = StepClock(Metrics(registry).step_seconds)
    time.sleep(0.1)
    clock.tick()
    with clock.paused():
        time.sleep(0.5)
    clock.tick()
    with pytest.raises(ZeroDivisionError), clock.paused():
        sleep_and_fail()
    clock.tick()
    found = samples(generate_latest(registry).decode())
    assert found["semoe_step_seconds_count"] == 3
    assert 0.1 <= found["semoe_step_seconds_sum"] < 0.5
