"""What a run will take: bytes, requests, hours and money, reckoned from a measured speed.

Every figure is an interval where something in it is not known for sure: how many passages a corpus has, and how fast
a machine makes experts.
"""

import statistics
from dataclasses import dataclass

from semoe.runs.plan import Manifest
from semoe.runs.records import HEARTBEAT_SECONDS
from semoe.store.pack import PACK_BYTES
from semoe.store.times import COMMIT_SECONDS

Span = tuple[float, float]
"""The least and the most."""
WRITES_A_PACK = 2
"""It and its index; a commit comes once for some of them, or by the clock."""
WRITES_A_HEARTBEAT = 2
"""How far a worker is, and its log."""


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
    thousand_requests: float = 0.0
    """Objects written or listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """`estimate.json`. Of augmenting and training; answering is not in it."""

    num_passages: int
    """Distinct; at most, before retrieval; about, of a corpus."""
    passages: Span
    """The least and the most: of a corpus, its 95 % interval."""
    pods: int
    """At work at once."""
    num_bytes: int
    """Of all experts in the store."""
    hours: Span | None
    """Machine hours, at the fastest measured rate and at the slowest; None without a measurement."""
    wall_hours: Span | None
    """With all pods at work, or as many of them as there are GPUs."""
    requests: Span | None
    """Writes to the store."""
    money: Span | None
    """For the machine hours and the requests."""
    money_a_month: float
    """For keeping the experts."""
    prices: Prices
    """That it was reckoned with; what a run has cost so far is reckoned with them, too."""
    gpus: int = 0
    """Of the machine that does the run, shared out among its workers; 0: none, or nobody knows."""


def estimate(
    manifest: Manifest,
    *,
    bytes_per_expert: int,
    parallelism: int,
    prices: Prices,
    experts_per_second: Span | None = None,
    error: float = 0.0,
    gpus: int = 0,
) -> Estimate:
    """Reckons what augment and encode will take.

    Args:
        manifest: how many passages.
        bytes_per_expert: of one expert as it is stored.
        parallelism: pods at work at once.
        prices: of a machine's hour, of storage and of requests.
        experts_per_second: the slowest and the fastest of one machine, augmentation included.
        error: of the number of passages, relative.
        gpus: of the machine that does the run: workers that share one make no more together; 0: each has its own.
    """
    pods = min(parallelism, len(manifest.passage_shards))
    at_once = max(min(pods, gpus) if gpus else pods, 1)
    count = manifest.num_passages
    passages = (count * max(0.0, 1 - error), count * (1 + error))
    hours = wall = requests = money = None
    if experts_per_second:
        slowest, fastest = experts_per_second
        hours = (passages[0] / fastest / 3600, passages[1] / slowest / 3600)
        wall = (hours[0] / at_once, hours[1] / at_once)
        requests = (
            _requests(passages[0] * bytes_per_expert, hours[0]),
            _requests(passages[1] * bytes_per_expert, hours[1]),
        )
        money = (_money(hours[0], requests[0], prices), _money(hours[1], requests[1], prices))
    return Estimate(
        num_passages=count,
        passages=passages,
        pods=pods,
        num_bytes=count * bytes_per_expert,
        hours=hours,
        wall_hours=wall,
        requests=requests,
        money=money,
        money_a_month=count * bytes_per_expert / 1e9 * prices.gigabyte_month,
        prices=prices,
        gpus=gpus,
    )


def _requests(num_bytes: float, hours: float) -> float:
    """Returns the writes of so many bytes of experts by workers at work for so many hours together."""
    packs = num_bytes / PACK_BYTES
    by_the_clock = hours * 3600 / COMMIT_SECONDS
    # Whichever comes first fills a commit; each has a pack at least.
    return (WRITES_A_PACK + 1) * max(packs, by_the_clock) + WRITES_A_HEARTBEAT * hours * 3600 / HEARTBEAT_SECONDS


def _money(hours: float, requests: float, prices: Prices) -> float:
    return hours * prices.accelerator_hour + requests / 1000 * prices.thousand_requests
