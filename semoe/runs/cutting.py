"""How many shards, and which items each of them has."""

from collections.abc import Iterator, Sequence

ITEMS_PER_SHARD = 256
MAX_SHARDS = 512
"""Shards of a stage: more than 512 pods, with their retries, no longer fit one workflow object."""


def num_shards_for(num_items: int) -> int:
    """Returns how many shards that many questions or passages make where nobody says it."""
    return -(-num_items // ITEMS_PER_SHARD)


def balanced(weights: Sequence[int], parts: int) -> Iterator[tuple[int, int]]:
    """Cuts a sequence into at most `parts` contiguous slices of about equal weight; yields (start, end), none empty."""
    start = 0
    used = 0
    closed = 0
    total = sum(weights)
    for end, weight in enumerate(weights, 1):
        used += weight
        if used * parts >= total * (closed + 1) or end == len(weights):
            yield start, end
            # A heavy item may fill several slices at once.
            start = end
            closed = max(closed + 1, used * parts // max(total, 1))


def slices_by_weight(weights: Sequence[int], parts: int) -> Iterator[tuple[int, int]]:
    """Cuts items into contiguous slices of about equal weight: no more than there are items, or shards in a stage."""
    return balanced(weights, max(1, min(parts, len(weights), MAX_SHARDS)))


def slices(count: int, parts: int) -> Iterator[tuple[int, int]]:
    """Cuts `count` items into contiguous slices of about equal size."""
    return slices_by_weight([1] * count, parts)
