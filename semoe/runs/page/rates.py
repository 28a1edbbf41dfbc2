"""How fast shards were: items a second of each, the slow ones, and experts a second over time."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from semoe.runs.page.found import FoundRun
from semoe.runs.records import ShardReport

SLOWEST = 5
"""Shards of a stage that are shown, at most; half of few."""
_ITEMS = {"retrieve": "questions", "augment": "passages", "encode": "trained", "inference": "questions"}
"""By stage: the count of what a shard's time went into."""


class Slow(NamedTuple):
    """A shard among the slowest of its stage."""

    stage: str
    shard: int
    is_finished: bool
    rate: float
    """Items a second: of the attempt that finished it, or of the one at work."""
    of_median: float
    """The same as a share of the median of its stage's finished shards, or of those at work."""


def rate_of(report: ShardReport) -> float:
    """Returns a finished shard's items a second, of the attempt that finished it."""
    return report.counts.get(_ITEMS[report.stage], 0.0) / report.seconds if report.seconds else 0.0


def slowest(found: FoundRun) -> Iterator[Slow]:
    """Yields the slowest shards of each stage that has several, those at work first."""
    for stage in found.stages:
        # Of those at work the slowest alone are known, with the rate of the one in the middle of all.
        for shard, rate in stage.slowest[: stage.alive // 2]:
            yield Slow(stage.stage, shard, False, rate, rate / stage.median_rate if stage.median_rate else 0.0)
        # A shard whose experts were all there already, or that only ended what another attempt did, tells no rate.
        done = [(one.shard, rate) for one in found.of_stage(stage.stage) if (rate := rate_of(one))]
        yield from _slowest(stage.stage, done)


def experts_over_time(found: FoundRun) -> list[tuple[float, float]]:
    """Returns minutes since the first shard began, and the experts a second of all shards from then on."""
    changes: dict[float, float] = {}
    for one in found.of_stage("encode"):
        changes[one.time - one.seconds] = changes.get(one.time - one.seconds, 0.0) + rate_of(one)
        changes[one.time] = changes.get(one.time, 0.0) - rate_of(one)
    begun, level, steps = min(changes, default=0.0), 0.0, []
    for moment in sorted(changes):
        level += changes[moment]
        steps.append(((moment - begun) / 60, max(0.0, level)))
    return steps


def losses(found: FoundRun) -> dict[int, float]:
    """Returns the mean last loss of each shard's experts, in nats, where its report tells."""
    return {
        one.shard: one.counts["losses"] / one.counts["trained"]
        for one in found.of_stage("encode")
        if one.counts.get("losses") and one.counts.get("trained")
    }


def _slowest(stage: str, rates: Sequence[tuple[int, float]]) -> Iterator[Slow]:
    if len(rates) < 2:
        return
    median = statistics.median(rate for _, rate in rates)
    for shard, rate in sorted(rates, key=lambda one: one[1])[: min(SLOWEST, len(rates) // 2)]:
        yield Slow(stage, shard, True, rate, rate / median if median else 0.0)
