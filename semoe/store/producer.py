"""Experts on their way into a space: packed, so that a pack is worth its round trips, and committed now and then.

What is pending when work stops, by Ctrl-C too, is published on the way out; a producer that is killed loses at most
what it made since its last commit.
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Self

from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.store.blob import to_bytes
from semoe.store.expert_store import UPLOADS, ExpertStore, fresh_token
from semoe.store.pack import PACK_BYTES, Blob
from semoe.store.record import ExpertRecord
from semoe.store.times import COMMIT_SECONDS
from semoe.telemetry.counting import metrics
from semoe.words import counted

log = logging.getLogger(__name__)
WAITING_BYTES = 1 << 30
"""Of experts that were trained and are not yet in a pack."""


class Producer(AbstractContextManager["Producer"]):
    """Publishes the experts of one shard of a run, in a thread of its own: training does not wait for the store."""

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
        # As many may wait as a batch brings at once; then `add` waits, as memory is not endless.
        self._work = Queue[Callable[[], None] | None](max(1, WAITING_BYTES // (4 * layout.size)))
        self._thread = Thread(target=self._do_work, name="producer", daemon=True)
        self._lost: Exception | None = None
        """Why an expert could not be taken: it is gone."""
        self._unpublished: Exception | None = None
        """Why what is pending was not published; forgotten once it is."""
        self._pending: list[Blob] = []
        self._since = 0.0
        """When the first of those that are pending came."""
        self.num_published = 0
        self.num_bytes = 0

    @property
    def num_waiting(self) -> int:
        """Experts that were added and are not yet in a pack."""
        return self._work.qsize()

    def add(self, flat_N: Tensor, record: ExpertRecord) -> None:
        """Takes an expert for the next pack; its numbers must not change any more.

        Raises:
            SemoeError: what was added before could not be published.
        """
        self._raise_error()
        self._work.put(lambda: self._take(flat_N, record))
        metrics.experts_waiting.set(self.num_waiting)

    def flush(self) -> None:
        """Publishes what is pending, and waits until it is done.

        Raises:
            SemoeError: it could not be published; it stays pending.
        """
        self._work.put(self._publish)
        self.wait()

    def wait(self) -> None:
        """Waits until what was added is in a pack, or published where that is due."""
        self._work.join()
        self._raise_error()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publishes what is pending, whatever happened; of two errors the first stays."""
        try:
            self.flush()
        except Exception as second:
            if error is None:
                raise
            log.warning("not published: %s: %s", counted(len(self._pending), "expert"), second)
        finally:
            self._work.put(None)
            self._thread.join()

    def _raise_error(self) -> None:
        error = self._lost or self._unpublished
        if error is not None:
            raise error

    def _do_work(self) -> None:
        """The thread: one piece of work after the other, and a commit where none comes for long."""
        while True:
            try:
                work = self._work.get(timeout=max(1.0, self._commit_seconds))
            except Empty:
                self._publish_if_due()
                continue
            if work is not None:
                work()
            self._work.task_done()
            metrics.experts_waiting.set(self.num_waiting)
            if work is None:
                return

    def _take(self, flat_N: Tensor, record: ExpertRecord) -> None:
        """Nobody hears a thread: its errors are kept for whoever comes next."""
        try:
            blob = self._blob(flat_N, record)
        except Exception as error:
            self._lost = error
            return
        self._since = self._since if self._pending else time.monotonic()
        self._pending.append(blob)
        self._publish_if_due()

    def _blob(self, flat_N: Tensor, record: ExpertRecord) -> Blob:
        return Blob(
            key=record.key,
            data=to_bytes(self._layout, flat_N, record.to_json()),
            title=record.title,
            num_tokens=record.num_tokens,
            loss=record.loss,
            learnt=record.learnt,
        )

    def _publish_if_due(self) -> None:
        num_bytes = sum(len(blob.data) for blob in self._pending)
        old = bool(self._pending) and time.monotonic() - self._since >= self._commit_seconds
        # One pack is worth a commit; while more experts wait already, as many as are written at once.
        full = num_bytes >= self._pack_bytes * (UPLOADS if self.num_waiting else 1)
        # After an error it is tried again when somebody asks for it, and not with each expert that comes.
        if (old or full) and self._unpublished is None:
            self._publish()

    def _publish(self) -> None:
        try:
            if self._pending:
                self.num_published += self._store.publish(
                    self._pending,
                    run=self._run,
                    shard=self._shard,
                    token=self._token,
                    pack_bytes=self._pack_bytes,
                )
                self.num_bytes += sum(len(blob.data) for blob in self._pending)
                self._pending = []
        except Exception as error:
            self._unpublished = error
        else:
            self._unpublished = None
