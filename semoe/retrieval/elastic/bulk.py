"""Sends one batch until every passage of it is in the index, or says which one cannot be."""

import logging
import math
from typing import Any

from semoe.errors import TransientError, UsageError
from semoe.retrieval.elastic.batches import Batch, Item
from semoe.retrieval.elastic.connection import Connection
from semoe.retrieval.elastic.errors import BUSY, TooLargeError, reason
from semoe.words import counted

log = logging.getLogger(__name__)
ALREADY_THERE = 409
"""An earlier attempt, or another loader, was there first: same id, same corpus."""


def send(connection: Connection, name: str, batch: Batch) -> int:
    """Adds a batch to the index, sending again only what was refused as busy; returns `batch.end`.

    Raises:
        UsageError: Elasticsearch can never take one of the passages; the message has its id.
        TransientError: it stays busy for `patience_seconds` seconds without taking any.
    """
    items = batch.items
    patience = connection.patience()
    while items:
        busy, why = _refused(items, _send(connection, name, items), name)
        if len(busy) < len(items):
            patience.renew()
        if busy and not patience.wait():
            raise TransientError(
                f"Elasticsearch at {connection.config.where} keeps refusing {counted(len(busy), 'passage')} of "
                f"index {name} ({why}). Run the same command again later; it goes on from there.",
                kind="es-busy",
            )
        items = busy
    return batch.end


def _send(connection: Connection, name: str, items: list[Item]) -> list[dict[str, Any]]:
    """Sends items in one request, or in halves where that is too large; what a gateway takes is learnt on the way."""
    size = sum(len(item.lines) for item in items)
    if size <= connection.most_bytes or len(items) == 1:
        try:
            return _send_once(connection, name, items)
        except TooLargeError as error:
            if len(items) == 1:
                raise UsageError(
                    f"Passage {items[0].passage_id!r} makes a request of {size:,} bytes. {error}", kind=error.kind
                ) from error
            _learn(connection, size, error)
    half = len(items) // 2
    return _send(connection, name, items[:half]) + _send(connection, name, items[half:])


def _learn(connection: Connection, size: int, error: TooLargeError) -> None:
    if connection.most_bytes == math.inf:
        log.warning("%s Requests are halved; --bulk_bytes makes them smaller from the first on.", error)
    connection.most_bytes = min(connection.most_bytes, size // 2)


def _send_once(connection: Connection, name: str, items: list[Item]) -> list[dict[str, Any]]:
    lines: Any = [b"".join(item.lines for item in items)]
    wanted = ["items.create.status", "items.create.error.type", "items.create.error.reason"]
    answer = connection.ask(
        lambda client: client.bulk(index=name, operations=lines, filter_path=wanted), name, operation="bulk"
    )
    return [result["create"] for result in answer["items"]]


def _refused(items: list[Item], results: list[dict[str, Any]], name: str) -> tuple[list[Item], str]:
    """Returns the items to send again, with the reason of one of them."""
    busy: list[Item] = []
    why = ""
    for item, result in zip(items, results, strict=True):
        status = result["status"]
        if status in BUSY:
            busy.append(item)
            why = reason(result)
        elif status >= 300 and status != ALREADY_THERE:
            raise UsageError(
                f"Elasticsearch refuses passage {item.passage_id!r} for index {name} ({status}: {reason(result)}). "
                "Correct the passage, or delete the index where its mapping was changed.",
                kind="es-passage",
            )
    return busy, why
