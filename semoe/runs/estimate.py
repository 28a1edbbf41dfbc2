"""What a run will take: pods, hours, bytes, money. Only what was measured or given; nothing is guessed."""

import statistics
from dataclasses import dataclass

from semoe.runs.plan import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """Experts a second, of several rounds."""

    rounds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean."""
        return statistics.fmean(self.rounds)

    @property
    def spread(self) -> float:
        """Half the range, as a share of the mean."""
        return (max(self.rounds) - min(self.rounds)) / 2 / self.mean if self.mean else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """In any one currency."""

    accelerator_hour: float = 0.0
    gigabyte_month: float = 0.0
    """10⁹ bytes stored for a month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """`estimate.json`. Of augmenting and training; answering is not in it."""

    num_passages: int
    """Distinct; at most, before retrieval."""
    pods: int
    """At work at once."""
    num_bytes: int
    """Of all experts in the store."""
    hours: tuple[float, float] | None
    """Machine hours, at the slowest and at the fastest measured rate; None without a measurement."""
    wall_hours: float | None
    """With all pods at work, at the mean rate."""
    money: tuple[float, float] | None
    """For the machine hours."""
    money_a_month: float
    """For keeping the experts."""


def estimate(
    manifest: Manifest,
    *,
    bytes_per_expert: int,
    parallelism: int,
    prices: Prices,
    experts_per_second: tuple[float, float, float] | None = None,
) -> Estimate:
    """Reckons what augment and encode will take.

    Args:
        manifest: how many passages.
        bytes_per_expert: of one expert as it is stored.
        parallelism: pods at work at once.
        prices: of a machine's hour and of storage.
        experts_per_second: the slowest, mean and fastest of one machine, augmentation included.
    """
    pods = min(parallelism, len(manifest.passage_shards))
    size = manifest.num_passages * bytes_per_expert
    hours = wall = money = None
    if experts_per_second:
        slowest, mean, fastest = (manifest.num_passages / rate / 3600 for rate in experts_per_second)
        hours = (slowest, fastest)
        wall = mean / max(pods, 1)
        money = (slowest * prices.accelerator_hour, fastest * prices.accelerator_hour)
    return Estimate(
        num_passages=manifest.num_passages,
        pods=pods,
        num_bytes=size,
        hours=hours,
        wall_hours=wall,
        money=money,
        money_a_month=size / 1e9 * prices.gigabyte_month,
    )
