"""Experts on their way into a space: packed, so that a pack is worth its round trips, and committed now and then.

What is pending when work stops, by Ctrl-C too, is published on the way out; a producer that is killed loses at most
what it made since its last commit.
"""

import logging
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.store.blob import to_bytes
from semoe.store.expert_store import ExpertStore, fresh_token
from semoe.store.pack import Blob
from semoe.store.record import ExpertRecord
from semoe.store.times import COMMIT_SECONDS

log = logging.getLogger(__name__)
PACK_BYTES = 64 << 20


class Producer(AbstractContextManager["Producer"]):
    """Publishes the experts of one shard of a run."""

    def __init__(
        self,
        store: ExpertStore,
        layout: ExpertLayout,
        *,
        run: str,
        shard: int = 0,
        pack_bytes: int = PACK_BYTES,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> None:
        self._store = store
        self._layout = layout
        self._run = run
        self._shard = shard
        self._token = fresh_token()
        self._pack_bytes = pack_bytes
        self._commit_seconds = commit_seconds
        self._pending: list[Blob] = []
        self._since = 0.0
        """When the first of those that are pending came."""
        self.num_published = 0
        self.num_bytes = 0

    def add(self, flat_N: Tensor, record: ExpertRecord) -> None:
        """Takes an expert for the next pack."""
        data = to_bytes(self._layout, flat_N, record.to_json())
        self._since = self._since if self._pending else time.monotonic()
        self._pending.append(
            Blob(
                key=record.key,
                data=data,
                title=record.title,
                num_tokens=record.num_tokens,
                loss=record.loss,
                learnt=record.learnt,
            )
        )
        old = time.monotonic() - self._since >= self._commit_seconds
        if old or sum(len(blob.data) for blob in self._pending) >= self._pack_bytes:
            self.flush()

    def flush(self) -> None:
        """Publishes what is pending."""
        if self._pending:
            self.num_bytes += sum(len(blob.data) for blob in self._pending)
            self.num_published += self._store.publish(
                self._pending, run=self._run, shard=self._shard, token=self._token
            )
            self._pending = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publishes what is pending, whatever happened; of two errors the first stays."""
        try:
            self.flush()
        except Exception as second:
            if error is None:
                raise
            log.warning("%d experts were not published: %s", len(self._pending), second)

    def __enter__(self) -> Self:
        return self
