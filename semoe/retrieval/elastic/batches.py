"""Cuts a stream of passages into requests of about equal size in bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from semoe.retrieval.elastic.schema import bulk_lines
from semoe.retrieval.passage import Passage


@dataclass(frozen=True, slots=True)
class Item:
    """One passage of a request."""

    passage_id: str
    lines: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A request: consecutive passages."""

    items: list[Item]
    end: int
    """How many passages of the corpus precede and include its last one."""


def batches(passages: Iterable[Passage], start: int, max_bytes: int) -> Iterator[Batch]:
    """Yields the passages after the first `start` as batches of up to `max_bytes`, but at least one passage."""
    items: list[Item] = []
    size = 0
    end = 0
    for end, passage in enumerate(passages, 1):
        if end <= start:
            continue
        item = Item(passage.id, bulk_lines(passage))
        if items and size + len(item.lines) > max_bytes:
            yield Batch(items, end - 1)
            items = []
            size = 0
        items.append(item)
        size += len(item.lines)
    if items:
        yield Batch(items, end)
