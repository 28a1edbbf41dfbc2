"""What a run has cost so far, and how it does beside its plan's forecast; read from the store, whoever did the work."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from semoe.errors import CorruptError, UsageError
from semoe.runs.estimate import Estimate
from semoe.runs.folder import RunFolder
from semoe.runs.records import Heartbeat
from semoe.runs.shard_items import STAGES

THREADS = 16
SLOWEST = 3
"""Shards that are named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What workers took so far, of all attempts that gave a sign of life."""

    hours: float
    """Of workers, all stages together."""
    money: float | None
    """For these hours, at the plan's price; None where it has none."""


def find_estimate(folder: RunFolder) -> Estimate | None:
    """Returns what the plan reckoned; None where it did not, or an earlier version's did in another way."""
    try:
        return folder.find("estimate.json", Estimate)
    except CorruptError:
        return None


def spending_of(folder: RunFolder) -> Spending:
    """Adds up what workers told of themselves."""
    seconds = sum(beat.earlier_seconds + beat.seconds for stage in STAGES for _, beat in heartbeats_of(folder, stage))
    found = find_estimate(folder)
    price = found.prices.accelerator_hour if found else 0.0
    return Spending(hours=seconds / 3600, money=seconds / 3600 * price if price else None)


def heartbeats_of(folder: RunFolder, stage: str) -> Sequence[tuple[int, Heartbeat]]:
    """Returns the last heartbeat of each shard that was ever begun."""
    shards = sorted(int(name.partition(".")[0]) for name in folder.names(f"progress/{stage}/"))
    with ThreadPoolExecutor(THREADS) as pool:
        beats = pool.map(lambda shard: folder.find_heartbeat(stage, shard), shards)
        return [(shard, beat) for shard, beat in zip(shards, beats, strict=True) if beat]


def require_within(folder: RunFolder, max_cost: float) -> None:
    """Makes sure that a run has not cost more than it may.

    Raises:
        UsageError: it has.
    """
    money = spending_of(folder).money
    if money is not None and money > max_cost:
        raise UsageError(
            f"Run {folder.run} has cost {money:,.2f}, more than --max_cost {max_cost:,.2f}. What is finished is kept. "
            f"Go on with `semoe resume --run {folder.run}` and a larger one.",
            kind="max-cost",
        )


def require_price(folder: RunFolder) -> None:
    """Makes sure that it is known what a worker costs.

    Raises:
        UsageError: the plan has no price.
    """
    if spending_of(folder).money is None:
        raise UsageError(
            f"--max_cost needs the price of a worker's hour, which the plan of run {folder.run} lacks. Plan it again "
            "with --gpu_price; the plan itself stays as it is.",
            kind="options",
        )
