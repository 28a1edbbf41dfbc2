"""A store that many machines fill: what one of them trained, the others fetch.

Experts are published in packs, so that a pack is worth its round trips; what is pending when work stops, by Ctrl-C
too, is published on the way out.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.experts.space import ExpertSpace
from semoe.store.blob import from_bytes, to_bytes
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import check_conditional_writes, open_objects
from semoe.store.pack import Blob

PACK_BYTES = 64 << 20


class SharedExperts:
    """One space of a store, as `encode` uses it."""

    def __init__(self, store: ExpertStore, layout: ExpertLayout) -> None:
        self._store, self._layout = store, layout
        self._token = secrets.token_hex(16)
        self._pending: list[Blob] = []
        self.num_published = 0

    def __contains__(self, key: str) -> bool:
        return key in self._store

    def fetch(self, key: str) -> tuple[Tensor, dict[str, Any]] | None:
        """Returns an expert, [N], and its record, or None where the store has none of this key."""
        data = self._store.get(key)
        return None if data is None else from_bytes(self._layout, data)

    def add(self, key: str, flat_N: Tensor, record: dict[str, Any]) -> None:
        """Takes an expert for the next pack."""
        data = to_bytes(self._layout, flat_N, record)
        blob = Blob(
            key=key, data=data, title=record["title"], num_tokens=record["num_tokens"], loss=float(record["loss"])
        )
        self._pending.append(blob)
        if sum(len(pending.data) for pending in self._pending) >= PACK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Publishes what is pending."""
        if self._pending:
            run = f"encode-{self._token}"
            self.num_published += self._store.publish(self._pending, run=run, shard=0, token=self._token)
            self._pending = []


@contextmanager
def shared_experts(url: str, space: ExpertSpace, layout: ExpertLayout) -> Iterator[SharedExperts]:
    """Opens a space of the store at `url`, which is made where it is not there yet.

    Raises:
        UsageError: no such bucket, no permission, or a store without conditional writes.
        TransientError: the store does not answer.
    """
    objects = open_objects(url)
    check_conditional_writes(objects)
    described = orjson.dumps(space.describe(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    objects.create(f"spaces/{space.name}/space.json", described)
    shared = SharedExperts(ExpertStore(objects, space.name), layout)
    try:
        yield shared
    finally:
        shared.flush()
