"""The alerts at every interval between scrapes that the chart allows: trouble fires, its look-alike does not."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from tests.helm.charts import CHARTS

RULES = CHARTS / "workers" / "rules" / "alerts.yaml"
PROMTOOL = shutil.which("promtool")
INTERVALS = (1, 5, 15, 30, 60, 90, 120)
"""In seconds, from the shortest to the longest of values.schema.json."""
MINUTES = 60
Value: TypeAlias = Callable[[float], float | None]
"""What a worker would say at a minute; None where there is no worker."""


def series(name: str, value: Value, every: int) -> dict[str, str]:
    """What Prometheus has of it: a scrape every so many seconds, and one that a worker waits for before it ends."""
    samples: list[str] = []
    last: float | None = None
    for second in range(0, MINUTES * 60 + 1, every):
        now = value(second / 60)
        # A worker that began since the scrape before, or counted more, and ended, waited for this scrape.
        missed = [value(at / 60) for at in range(max(0, second - every + 1), second) if value(at / 60) is not None]
        if now is None and missed and missed[-1] != last:
            now = missed[-1]
        samples.append("_" if now is None and last is None else "stale" if now is None else repr(now))
        last = now
    return {"series": name, "values": " ".join(samples)}


def lives(begin: float, end: float, value: float) -> Value:
    return lambda minute: value if begin <= minute < end else None


def worker(pod: str, stage: str, done: Value, every: int) -> Iterator[dict[str, str]]:
    labels = f'namespace="runs", pod="{pod}", stage="{stage}"'
    yield series(f"semoe_shard_items{{{labels}}}", lives(0, 99, 2000.0), every)
    yield series(f"semoe_shard_items_done{{{labels}}}", done, every)


def stalled(every: int) -> Iterator[dict[str, str]]:
    yield from worker("stands", "encode", lambda minute: 1.5 * min(minute, 5), every)


def slow(every: int) -> Iterator[dict[str, str]]:
    yield from worker("slow", "augment", lambda minute: 0.1 * (minute // 14), every)


def gpu(share: float) -> Callable[[int], Iterator[dict[str, str]]]:
    def made(every: int) -> Iterator[dict[str, str]]:
        busy = 'semoe_gpu_busy_seconds_total{namespace="runs", pod="a", gpu="0"}'
        yield series(busy, lambda minute: 60 * (0.9 * min(minute, 10) + share * max(minute - 10, 0)), every)
        yield from worker("a", "encode", lambda minute: 10 * minute, every)

    return made


def attempts(name: str, number: int, value: float) -> Callable[[int], Iterator[dict[str, str]]]:
    """Workers that live for 70 seconds, one after the other from minute 10 on, every two minutes."""

    def made(every: int) -> Iterator[dict[str, str]]:
        for one in range(number):
            begin = 10 + 2 * one
            yield series(
                name.replace("{", f'{{namespace="runs", pod="{one}", '), lives(begin, begin + 1.17, value), every
            )

    return made


def calls(what: str, good: float, bad: float) -> Callable[[int], Iterator[dict[str, str]]]:
    """One worker that goes on: calls a minute, from minute 10 on with failures."""

    def made(every: int) -> Iterator[dict[str, str]]:
        for outcome, before, after in (("ok", good + bad, good), ("busy", 0, bad)):
            name = f'semoe_{what}_requests_total{{namespace="runs", pod="a", outcome="{outcome}"}}'
            yield series(name, lambda m, b=before, a=after: b * min(m, 10) + a * max(m - 10, 0), every)  # type: ignore[misc]

    return made


def both(*parts: Callable[[int], Iterator[dict[str, str]]]) -> Callable[[int], Iterator[dict[str, str]]]:
    return lambda every: (one for part in parts for one in part(every))


def failing(what: str) -> Callable[[int], Iterator[dict[str, str]]]:
    name = f"semoe_{what}_requests_total"
    return both(attempts(name + '{outcome="ok"}', 12, 2.0), attempts(name + '{outcome="unreachable"}', 12, 3.0))


CASES: list[tuple[str, Callable[[int], Iterator[dict[str, str]]], list[int], list[int]]] = [
    ("SemoeShardStalled", stalled, [5, 19], [24, 40]),
    ("SemoeShardStalled", slow, [12, 26, 27, 40, 54], []),
    ("SemoeGpuIdle", gpu(0.2), [10, 20], [28, 40]),
    ("SemoeGpuIdle", gpu(0.5), [10, 28, 40], []),
    ("SemoeErrors", attempts('semoe_errors_total{kind="s3-busy"}', 3, 1.0), [9, 13, 40], [19]),
    ("SemoeErrors", attempts('semoe_errors_total{kind="s3-busy"}', 2, 1.0), [9, 14, 19, 40], []),
    ("SemoeStoreErrors", calls("s3", 54, 6), [10, 14], [30]),
    ("SemoeStoreErrors", calls("s3", 59, 1), [14, 30, 50], []),
    ("SemoeStoreErrors", failing("s3"), [10, 14], [21, 30]),
    ("SemoeElasticsearchErrors", calls("elasticsearch", 0, 10), [10], [18, 40]),
    ("SemoeElasticsearchErrors", calls("elasticsearch", 9, 1), [14, 30], []),
    ("SemoeElasticsearchErrors", failing("elasticsearch"), [10], [18, 30]),
    ("SemoeLossNotFinite", attempts("semoe_losses_not_finite_total{}", 1, 2.0), [9, 30], [14]),
]  # fmt: skip


@pytest.mark.skipif(PROMTOOL is None, reason="no command `promtool` on the PATH")
@pytest.mark.parametrize("every", INTERVALS)
def test_an_alert_holds_at_every_interval(tmp_path: Path, every: int) -> None:
    """That it fires is asked of Prometheus's own series of alerts: what they say has tests of its own."""
    groups = [
        {
            "name": f"{number} {alert}",
            "interval": f"{every}s",
            "input_series": list(made(every)),
            "promql_expr_test": [_asked(alert, minute, minute in firing) for minute in (*silent, *firing)],
        }
        for number, (alert, made, silent, firing) in enumerate(CASES)
    ]
    tests = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": groups}
    path = tmp_path / "tests.yaml"
    path.write_text(yaml.safe_dump(tests))
    assert PROMTOOL
    said = subprocess.run([PROMTOOL, "test", "rules", path], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def _asked(alert: str, minute: int, fires: bool) -> dict[str, Any]:
    found = [{"labels": "{}", "value": 1}] if fires else []
    return {
        "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
        "eval_time": f"{minute}m",
        "exp_samples": found,
    }
