"""The expert store against its limits: a million experts, a disk, an S3 server. `python -m benchmarks.store`.

Every figure is a ratio to what the same bytes cost without the store, or a bound of the design. The S3 server is a
real one (SeaweedFS), on this machine; server, client and threads share its cores.
"""

import hashlib
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import describe
from semoe.store.catalog import ROW, Catalog
from semoe.store.expert_store import ExpertStore
from semoe.store.object_names import SpaceNames
from semoe.store.objects import FolderObjects
from semoe.store.objects.s3 import S3Objects
from semoe.store.objects.s3_client import client_config
from semoe.store.pack import Blob
from semoe.store.snapshot import Snapshot, write_snapshot
from tests.seaweed import client, seaweed

MILLION = 1_000_000
PER_PACK = 32
EXPERT_BYTES = 2_000_000
NUM_EXPERTS = 128
THREADS = 8


class Counted(S3Objects):
    """Counts calls."""

    lists = 0
    gets = 0

    def list(self, prefix: str):  # type: ignore[no-untyped-def]
        """Counts a listing."""
        self.lists += 1
        return super().list(prefix)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Counts a read."""
        self.gets += 1
        return super().get(name, start, length)


def main() -> None:
    """Prints all figures."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, seaweed(_made(Path(folder) / "s3")) as endpoint:
        client(endpoint).create_bucket(Bucket="bench")
        print("index")
        for count in (1_000, MILLION):
            index(Counted("bench", f"index-{count}", client=client(endpoint, config=client_config())), count)
        blobs = [_blob(number) for number in range(NUM_EXPERTS)]
        publishing(Path(folder), blobs)
        reading(endpoint, blobs)
    print(describe())


def index(objects: Counted, count: int) -> None:
    """Opens a space of many synthetic experts, and looks them up."""
    names = SpaceNames("s")
    ExpertStore(objects, "s").publish([_blob(0)], run="r", shard=0, token="t")
    catalog = _synthetic(count)
    objects.put(names.snapshot(1), write_snapshot(Snapshot(catalog, frozenset())))
    objects.lists = 0
    started = time.perf_counter()
    store = ExpertStore(objects, "s")
    opened = time.perf_counter() - started
    heads, rows = catalog.arrays
    picks = np.random.default_rng(0).integers(0, count, 20_000)
    keys = [f"{int(heads[i]):016x}{int(rows['low'][i]):016x}{'0' * 32}" for i in picks]
    times = [_seconds(partial(store.catalog.find, key)) for key in keys]
    objects.gets = 0
    assert store.get(_blob(0).key) == _blob(0).data
    names_bytes = sum(map(len, store.catalog.segments)) / count
    print(
        f"  {count:>9,} experts: {store.catalog.num_bytes / len(store):.0f} bytes each in memory"
        f" (and {names_bytes:.1f} for the names of packs), opened in {opened:.2f} s with {objects.lists} LISTs,"
        f" look-up p50 {1e6 * np.quantile(times, 0.5):.0f} us, p99 {1e6 * np.quantile(times, 0.99):.0f} us,"
        f" a cold get is {objects.gets} GET"
    )


def publishing(folder: Path, blobs: Sequence[Blob]) -> None:
    """Publishes to a folder store, and lets dd write the same bytes."""
    source = folder / "source"
    size = sum(len(blob.data) for blob in blobs)
    source.write_bytes(b"".join(blob.data for blob in blobs))
    packs = [blobs[at : at + PER_PACK] for at in range(0, len(blobs), PER_PACK)]

    def store() -> None:
        opened = ExpertStore(FolderObjects(folder / secrets.token_hex(4)), "s")
        for pack in packs:
            opened.publish(pack, run="r", shard=0, token="t")

    def dd() -> None:
        target = folder / secrets.token_hex(4)
        subprocess.run(["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True)

    ours, theirs = _best_of(3, store, dd)
    print("publishing experts of 2 MB to a folder")
    print(f"  {size / ours / 1e6:.0f} MB/s; dd with fsync {size / theirs / 1e6:.0f} MB/s: {theirs / ours:.2f} of it")


def reading(endpoint: str, blobs: Sequence[Blob]) -> None:
    """Reads experts with eight threads, through the store and as plain ranged GETs."""
    s3 = client(endpoint, config=client_config())
    store = ExpertStore(S3Objects("bench", "reading", client=s3), "s")
    for at in range(0, len(blobs), PER_PACK):
        store.publish(blobs[at : at + PER_PACK], run="r", shard=0, token="t")
    places = {blob.key: store.catalog.find(blob.key) for blob in blobs}

    def plain(key: str) -> bytes:
        place = places[key]
        assert place is not None
        span = f"bytes={place.offset}-{place.offset + place.length - 1}"
        name = f"reading/{store.names.pack(place.segment)}"
        return bytes(s3.get_object(Bucket="bench", Key=name, Range=span)["Body"].read())

    def all_with(read: Callable[[str], bytes | None]) -> Callable[[], None]:
        def work() -> None:
            with ThreadPoolExecutor(THREADS) as pool:
                assert sum(len(data or b"") for data in pool.map(read, places)) == size

        return work

    size = sum(len(blob.data) for blob in blobs)
    ours, theirs = _best_of(5, all_with(store.get), all_with(plain))
    print("reading experts of 2 MB from S3, 8 threads")
    print(
        f"  {size / ours / 1e6:.0f} MB/s; plain ranged GETs {size / theirs / 1e6:.0f} MB/s: {theirs / ours:.2f} of it"
    )


def _best_of(rounds: int, one: Callable[[], None], other: Callable[[], None]) -> tuple[float, float]:
    """Returns the best seconds of each, in turns, so that both meet the same machine."""
    times = [(_seconds(one), _seconds(other)) for _ in range(rounds)]
    return min(a for a, _ in times), min(b for _, b in times)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _synthetic(count: int) -> Catalog:
    generator = np.random.default_rng(1)
    heads = np.sort(generator.integers(0, 2**64 - 1, count, np.uint64))
    rows = np.zeros(count, ROW)
    rows["low"] = generator.integers(0, 2**64 - 1, count, np.uint64)
    rows["segment"] = np.arange(count) // PER_PACK
    rows["length"] = EXPERT_BYTES
    segments = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(-(-count // PER_PACK))]
    return Catalog(segments, heads, rows)


def _blob(number: int) -> Blob:
    data = np.random.default_rng(number).bytes(EXPERT_BYTES)
    key = hashlib.sha256(f"expert {number}".encode()).hexdigest()
    return Blob(key=key, data=data, title=f"T{number}", num_tokens=1, loss=0.1)


def _made(folder: Path) -> Path:
    os.makedirs(folder)  # noqa: PTH103
    return folder


if __name__ == "__main__":
    main()
