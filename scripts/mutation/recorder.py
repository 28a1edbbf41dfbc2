"""A pytest plugin that tells coverage which test runs, and writes how long each that passed took.

Loaded by `covering` with `-p scripts.mutation.recorder`, under `coverage run`.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

_seconds: dict[str, float] = defaultdict(float)
_not_passed: set[str] = set()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Says which test is being set up."""
    _enter(f"{item.nodeid} (setup)")
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Says which test runs."""
    _enter(f"{item.nodeid} (call)")
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Says which test is being torn down."""
    _enter(f"{item.nodeid} (teardown)")
    yield


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes how long a test took and whether it passed."""
    _seconds[report.nodeid] += report.duration
    if not report.passed:
        _not_passed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Writes the seconds."""
    passed = {test: round(seconds, 3) for test, seconds in _seconds.items() if test not in _not_passed}
    Path(os.environ["MUTATION_SECONDS"]).write_text(json.dumps(passed, indent=0), encoding="utf-8")


def _enter(context: str) -> None:
    running = coverage.Coverage.current()
    assert running is not None
    running.switch_context(context)
