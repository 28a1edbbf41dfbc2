"""Cuts a stream of passages into requests of about equal size in bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from semoe.retrieval.elastic.schema import Documents
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


def batches(passages: Iterable[Passage], start: int, max_bytes: int, documents: Documents) -> Iterator[Batch]:
    """Yields the passages after the first `start` as batches of up to `max_bytes`, but at least one passage."""
    items: list[Item] = []
    size = 0
    end = start
    begun = start % documents.at_once if documents.is_cut else 0
    made = islice(_items(islice(passages, start - begun, None), documents), begun, None)
    for end, item in enumerate(made, start + 1):
        if items and size + len(item.lines) > max_bytes:
            yield Batch(items, end - 1)
            items = []
            size = 0
        items.append(item)
        size += len(item.lines)
    if items:
        yield Batch(items, end)


def _items(passages: Iterator[Passage], documents: Documents) -> Iterator[Item]:
    while group := list(islice(passages, documents.at_once)):
        for passage, lines in zip(group, documents.lines(group), strict=True):
            yield Item(passage.id, lines)
