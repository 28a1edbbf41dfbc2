"""Experts on their way into a store, on local disk or on an S3 server of this machine, and what these take at most."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semoe.experts.layout import ExpertLayout
from semoe.experts.training import TrainedExpert
from semoe.store.expert_store import ExpertStore, fresh_token
from semoe.store.objects import FolderObjects, Objects
from semoe.store.pack import PACK_BYTES
from semoe.store.producer import Producer
from semoe.store.record import ExpertRecord

LIMIT_BYTES = 4 << 30
"""Written to learn what the place takes."""


@contextmanager
def place(kind: str) -> Iterator[Objects]:
    """Gives a place for a store, which is gone afterwards.

    Args:
        kind: `folder`, or `s3` for a SeaweedFS on loopback, whose files lie on the same disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        if kind == "folder":
            yield FolderObjects(Path(folder))
            return
        # Imported here: a machine without boto3 and the server measures the folder.
        from semoe.store.objects.s3 import S3Objects  # noqa: PLC0415
        from semoe.store.objects.s3_client import client_config  # noqa: PLC0415
        from tests.seaweed import client, seaweed  # noqa: PLC0415

        with seaweed(Path(folder)) as endpoint:
            client(endpoint).create_bucket(Bucket="bench")
            yield S3Objects("bench", "speed", client=client(endpoint, config=client_config()))


def published(experts: Iterator[TrainedExpert], layout: ExpertLayout, objects: Objects) -> Iterator[TrainedExpert]:
    """Publishes experts as `encode` does, each as a new one, and yields them; ends when the last is in the store."""
    with Producer(ExpertStore(objects, "speed"), layout, run=fresh_token()) as producer:
        for expert in experts:
            key = hashlib.sha256(os.urandom(16)).hexdigest()
            record = ExpertRecord(key=key, space="speed", num_tokens=expert.num_tokens, loss=expert.loss)
            producer.add(expert.flat_N, record)
            yield expert


def bytes_per_second(kind: str) -> float:
    """Returns what the place takes: one large file brought to the disk, or packs put one after the other."""
    chunk = os.urandom(PACK_BYTES)
    count = LIMIT_BYTES // PACK_BYTES
    if kind == "folder":
        with tempfile.NamedTemporaryFile() as file:
            began = time.perf_counter()
            for _ in range(count):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            return LIMIT_BYTES / (time.perf_counter() - began)
    with place(kind) as objects:
        began = time.perf_counter()
        for number in range(count):
            objects.put(f"plain/{number}", chunk)
        return LIMIT_BYTES / (time.perf_counter() - began)
