"""What a run has cost so far, and how it does beside its plan's forecast; read from the store, whoever did the work."""

import time
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from semoe.errors import CorruptError, UsageError
from semoe.runs.estimate import Estimate
from semoe.runs.folder import RunFolder
from semoe.runs.records import Heartbeat
from semoe.runs.shard_items import STAGES

THREADS = 16
LOOK_SECONDS = 15.0
"""Between two looks at what a run has cost: each reads an object a shard at work."""
SLOWEST = 3
"""Shards that are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What workers took so far, of all attempts that gave a sign of life."""

    stage_hours: Mapping[str, float]
    """Of workers, by stage."""
    price: float | None
    """Of an hour, by the plan; None where it has none."""

    @property
    def hours(self) -> float:
        """Of workers, all stages together."""
        return sum(self.stage_hours.values())

    @property
    def money(self) -> float | None:
        """For these hours; None where the plan has no price."""
        return None if self.price is None else self.hours * self.price


def find_estimate(folder: RunFolder) -> Estimate | None:
    """Returns what the plan reckoned; None where it did not, or an earlier version's did in another way."""
    try:
        return folder.find("estimate.json", Estimate)
    except CorruptError:
        return None


def heartbeats_of(folder: RunFolder, stage: str, but: Set[int] = frozenset()) -> Sequence[tuple[int, Heartbeat]]:
    """Returns the last heartbeat of each shard that was ever begun, but for some."""
    shards = sorted(set(folder.shards_in(f"progress/{stage}/")) - but)
    with ThreadPoolExecutor(THREADS) as pool:
        beats = pool.map(lambda shard: folder.find_heartbeat(stage, shard), shards)
        return [(shard, beat) for shard, beat in zip(shards, beats, strict=True) if beat]


class Spent:
    """What the workers of a run told of themselves; a shard that is finished is read once, however often one asks."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._over: dict[str, dict[int, float]] = {stage: {} for stage in STAGES}
        """Seconds of finished shards, by stage and number."""

    def so_far(self) -> Spending:
        """Adds it up."""
        found = find_estimate(self._folder)
        hours = {stage: self._seconds(stage) / 3600 for stage in STAGES}
        return Spending(stage_hours=hours, price=(found.prices.accelerator_hour if found else 0.0) or None)

    def _seconds(self, stage: str) -> float:
        over = self._over[stage]
        finished = set(self._folder.finished(stage))
        at_work = 0.0
        for shard, beat in heartbeats_of(self._folder, stage, over.keys()):
            seconds = beat.earlier_seconds + beat.seconds
            if shard in finished:
                over[shard] = seconds
            else:
                at_work += seconds
        return at_work + sum(over.values())


class CostLimit:
    """Raises once a run has cost more than it may; looks every `LOOK_SECONDS`, however often it is called.

    Raises:
        UsageError: the plan does not say what a worker costs.
    """

    def __init__(self, folder: RunFolder, max_cost: float) -> None:
        self._run = folder.run
        self._max_cost = max_cost
        self._spent = Spent(folder)
        self._next_look = 0.0
        if self._spent.so_far().money is None:
            raise UsageError(
                f"--max_cost needs the price of a worker's hour, which the plan of run {folder.run} lacks. Plan it "
                "again with --gpu_price; the plan itself stays as it is.",
                kind="options",
            )

    def __call__(self) -> None:
        """Looks, where it is time.

        Raises:
            UsageError: it has cost more.
        """
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_SECONDS
        money = self._spent.so_far().money
        if money is not None and money > self._max_cost:
            raise UsageError(
                f"Run {self._run} has cost {money:,.2f}, more than --max_cost {self._max_cost:,.2f}. What is finished "
                f"is kept. Go on with `semoe resume --run {self._run}` and a larger one.",
                kind="max-cost",
            )
