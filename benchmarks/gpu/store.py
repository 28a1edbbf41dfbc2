"""Experts on their way into a store on local disk, and what the disk itself takes."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from semoe.experts.layout import ExpertLayout
from semoe.experts.training import TrainedExpert
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord

DISK_BYTES = 4 << 30
CHUNK = 64 << 20


def published(experts: Iterator[TrainedExpert], layout: ExpertLayout) -> Iterator[TrainedExpert]:
    """Publishes experts as `encode` does, and yields them; ends when the last one is in the store."""
    with tempfile.TemporaryDirectory() as folder:
        store = ExpertStore(FolderObjects(Path(folder)), "speed")
        with Producer(store, layout, run="speed") as producer:
            for number, expert in enumerate(experts):
                key = hashlib.sha256(str(number).encode()).hexdigest()
                record = ExpertRecord(key=key, space="speed", num_tokens=expert.num_tokens, loss=expert.loss)
                producer.add(expert.flat_N, record)
                yield expert


def disk_bytes_per_second() -> float:
    """Returns the rate of one large file, written in order and brought to the disk."""
    chunk = os.urandom(CHUNK)
    with tempfile.NamedTemporaryFile() as file:
        began = time.perf_counter()
        for _ in range(DISK_BYTES // CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        return DISK_BYTES / (time.perf_counter() - began)
