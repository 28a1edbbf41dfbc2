"""What a shard of each stage counts, and the plain names under which its report keeps it.

Reports hold numbers by name, so that they add up over shards and Argo takes each into a metric. A count of several
things, as pairs that were rejected for each reason, has a name for each: `rejected_{reason}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

Named = Mapping[str, float]
Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveCounts:
    """Of stage `retrieve`."""

    questions: float = 0
    retrieved: float = 0
    """Passages, repetitions counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentCounts:
    """Of stage `augment`."""

    passages: float = 0
    pairs: float = 0
    without_pairs: float = 0
    """Passages that gave no pair."""
    rejected: Named = field(default_factory=dict)
    """Pairs and rewrites that were not kept, by reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeCounts:
    """Of stage `encode`."""

    passages: float = 0
    found: float = 0
    """Passages whose expert was in the store already."""
    trained: float = 0
    published: float = 0
    without_pairs: float = 0
    """Passages that give nothing to learn."""
    tokens: float = 0
    """Trained on, repetitions counted."""
    losses: float = 0
    """Of those trained, each at its last step, added up, in nats; 0 in reports of earlier versions."""
    bytes: float = 0
    """Published."""
    training_seconds: float = 0
    waiting_seconds: float = 0
    """Of them, for passages that were not augmented yet."""
    augmented: float = 0
    """Passages that the stage augmented itself, as it does with a corpus's; the next two are theirs."""
    pairs: float = 0
    rejected: Named = field(default_factory=dict)
    cut_sequences: float = 0
    """Which lost the end of their answers; see `TooLong`, as for the next two."""
    left_out_sequences: float = 0
    sequences_beyond_context: float = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceCounts:
    """Of stage `inference`."""

    questions: float = 0
    seconds: Named = field(default_factory=dict)
    """Of answering, by method."""


Counts = RetrieveCounts | AugmentCounts | EncodeCounts | InferenceCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCounts:
    """Sums over all shards of a run."""

    retrieve: RetrieveCounts
    augment: AugmentCounts
    encode: EncodeCounts
    inference: InferenceCounts

    @classmethod
    def of(cls, named: Mapping[str, Named]) -> "RunCounts":
        """Reads sums by stage and name."""
        return cls(
            retrieve=read_counts(RetrieveCounts, named.get("retrieve", {})),
            augment=read_counts(AugmentCounts, named.get("augment", {})),
            encode=read_counts(EncodeCounts, named.get("encode", {})),
            inference=read_counts(InferenceCounts, named.get("inference", {})),
        )


def named_counts(counts: Counts) -> dict[str, float]:
    """Returns counts by their names in a report."""
    found: dict[str, float] = {}
    for one in fields(counts):
        value = getattr(counts, one.name)
        several = isinstance(value, Mapping)
        found |= {f"{one.name}_{key}": number for key, number in value.items()} if several else {one.name: value}
    return found


def read_counts(kind: type[Kind], named: Named) -> Kind:
    """Reads counts from a report; names that this version does not know are left out."""
    own: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]
        prefix = f"{one.name}_"
        if one.type is Named:
            own[one.name] = {key.removeprefix(prefix): n for key, n in named.items() if key.startswith(prefix)}
        elif one.name in named:
            own[one.name] = named[one.name]
    return kind(**own)


def sum_counts(reports: Sequence[Named]) -> dict[str, float]:
    """Adds up the counts of several shards, by name."""
    names = {name: None for report in reports for name in report}
    return {name: sum(report.get(name, 0) for report in reports) for name in names}
