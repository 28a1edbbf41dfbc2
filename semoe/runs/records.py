"""What a worker tells of its shard while it works, and when it is done."""

from dataclasses import dataclass, field

from semoe.errors import TransientError

HEARTBEAT_SECONDS = 5.0
"""Between two signs of life of a worker."""
MAX_ATTEMPTS = 20
"""At one shard, before a run gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """How far a shard is."""

    done: float
    """Items; parts of an expert count."""
    total: int
    time: float
    """Seconds since 1970, by the worker's clock."""
    seconds: float
    """Since this attempt began."""
    worker: str
    """Tells this attempt from others of the shard."""
    before: float = 0
    """Of what is done: what needed no work of this attempt."""
    earlier_seconds: float = 0
    """Of the attempts before this one."""

    @property
    def items_per_second(self) -> float:
        """The rate of this attempt."""
        return (self.done - self.before) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why an attempt at a shard ended badly."""

    stage: str
    shard: int
    worker: str
    """The attempt, as in its heartbeat."""
    kind: str
    """Of the error; see `semoe.errors`."""
    message: str
    exit_code: int
    time: float
    """When, in seconds since 1970."""

    @property
    def is_final(self) -> bool:
        """Whether another attempt would end the same way."""
        return self.exit_code != TransientError.exit_code


@dataclass(frozen=True, kw_only=True, slots=True)
class ShardReport:
    """What a finished shard came to; written last, so a shard that has one is never done again."""

    stage: str
    shard: int
    seconds: float
    """Of the attempt that finished it."""
    time: float
    """When, in seconds since 1970."""
    counts: dict[str, float] = field(default_factory=dict)
    """What was done, by name; they add up over shards."""
    space: str = ""
    """Where the experts are, for the stages that have to do with them."""
    device: str = ""
    """That the model computed on, in words; empty where none was loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """A passage that a shard went on without: it failed with others, and alone."""

    key: str
    id: str
    title: str
    shard: int
    why: str
