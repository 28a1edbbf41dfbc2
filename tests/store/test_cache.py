"""Memory, then disk, then the store: one load a key, limits that hold, and nothing damaged is ever used."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from semoe.errors import CorruptError
from semoe.store.cache import ExpertCache
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from tests.store.blobs import blob
from tests.store.objects.wrapped import Wrapped

BLOBS = [blob(i, size=996) for i in range(10)]


class Slow(Wrapped):
    """Lets a reader wait until it is told to go on."""

    go = threading.Event()

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        self.go.wait(5)
        return super().get(name, start, length)


def bytes_cache(store: ExpertStore, **more: Any) -> ExpertCache[bytes]:
    """Keeps experts as they are."""
    return ExpertCache(store, lambda key, data: data, len, **more)


def opened(tmp_path: Path, kind: type[Wrapped] = Wrapped) -> tuple[ExpertStore, Wrapped]:
    folder = FolderObjects(tmp_path / "store")
    ExpertStore(folder, "s").publish(BLOBS, run="r", shard=0, token="t")
    Slow.go.set()
    objects = kind(folder)
    store = ExpertStore(objects, "s")
    objects.reads.clear()
    return store, objects


def test_a_second_get_reads_nothing(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    cache = bytes_cache(store)
    for _ in range(3):
        assert cache.get(BLOBS[1].key) == BLOBS[1].data
        assert cache.get("0" * 64) is None
    assert len(objects.reads) == 1
    assert cache.num_hits == 2


def test_many_who_ask_at_once_cause_one_load(tmp_path: Path) -> None:
    store, objects = opened(tmp_path, Slow)
    cache, found = bytes_cache(store), list[bytes | None]()
    Slow.go.clear()
    threads = [threading.Thread(target=lambda: found.append(cache.get(BLOBS[0].key))) for _ in range(8)]
    for thread in threads:
        thread.start()
    Slow.go.set()
    for thread in threads:
        thread.join()
    assert found == [BLOBS[0].data] * 8
    assert len(objects.reads) == 1


def test_prefetch_returns_at_once_and_its_load_is_shared(tmp_path: Path) -> None:
    store, objects = opened(tmp_path, Slow)
    cache = bytes_cache(store)
    Slow.go.clear()
    cache.prefetch(b.key for b in BLOBS)
    assert not objects.reads
    Slow.go.set()
    assert [cache.get(b.key) for b in BLOBS] == [b.data for b in BLOBS]
    assert len(objects.reads) == len(BLOBS)
    cache.close()


def test_what_is_made_of_an_expert_is_made_once_and_takes_its_own_size(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)
    made = list[str]()

    def decode(key: str, data: bytes) -> list[int]:
        made.append(key)
        return [len(data)]

    cache = ExpertCache(store, decode, lambda value: 400, memory_bytes=1000)
    first, second, third = (one.key for one in BLOBS[:3])
    assert cache.get(first) is cache.get(first)
    for key in (second, third):  # together they come in any order
        cache.prefetch([key], wait=True)
    assert made == [first, second, third]
    assert cache.get(second) == [1000]
    assert cache.get(first) == [1000]
    assert made == [first, second, third, first], "two of them fit"


def test_what_cannot_be_made_is_an_error_of_whoever_asks(tmp_path: Path) -> None:
    store, _ = opened(tmp_path)

    def decode(key: str, data: bytes) -> bytes:
        raise CorruptError("not an expert", kind="corrupt")

    cache = ExpertCache(store, decode, len)
    cache.prefetch([BLOBS[0].key], wait=True)
    with pytest.raises(CorruptError, match="not an expert"):
        cache.get(BLOBS[0].key)


def test_memory_keeps_to_its_limit_and_drops_the_least_recently_used(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    cache = bytes_cache(store, memory_bytes=3500)
    for i in (0, 1, 2, 0, 3):
        cache.get(BLOBS[i].key)
    objects.reads.clear()
    for i in (0, 2, 3):
        cache.get(BLOBS[i].key)
    assert not objects.reads
    cache.get(BLOBS[1].key)
    assert len(objects.reads) == 1


def test_another_process_finds_what_the_disk_holds(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    for _ in range(2):
        cache = bytes_cache(store, folder=tmp_path / "cache", disk_bytes=3500)
        assert [cache.get(BLOBS[i].key) for i in range(3)] == [BLOBS[i].data for i in range(3)]
    assert len(objects.reads) == 3
    cache.get(BLOBS[4].key)
    assert len(list((tmp_path / "cache").glob("s/??/*"))) == 3


def test_a_damaged_file_is_read_anew_and_a_damaged_pack_is_an_error(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    bytes_cache(store, folder=tmp_path / "cache").get(BLOBS[0].key)
    (file,) = (tmp_path / "cache").glob("s/??/*")
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert bytes_cache(store, folder=tmp_path / "cache").get(BLOBS[0].key) == BLOBS[0].data
    assert file.read_bytes() == BLOBS[0].data
    name = store.names.pack(store.catalog.segments[0])
    objects.put(name, b"x" * 20_000)
    with pytest.raises(CorruptError, match="is damaged"):
        bytes_cache(store).get(BLOBS[1].key)


def test_a_disk_that_fills_up_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, _ = opened(tmp_path)
    cache = bytes_cache(store, folder=tmp_path / "cache")
    assert cache.get(BLOBS[0].key) == BLOBS[0].data

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("semoe.files.os.fsync", full)
    assert [cache.get(b.key) for b in BLOBS] == [b.data for b in BLOBS]
    assert len(caplog.records) == 1
    assert "free some space" in caplog.records[0].message
    assert len([file for file in (tmp_path / "cache").glob("s/??/*") if file.is_file()]) == 1


def test_a_disk_that_cannot_be_written_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store, _ = opened(tmp_path)
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = bytes_cache(store, folder=tmp_path / "cache")
    assert [cache.get(b.key) for b in BLOBS] == [b.data for b in BLOBS]
    assert [r.message for r in caplog.records if "without the cache" in r.message]
    assert len(caplog.records) == 1


def test_what_fits_exactly_is_kept_and_what_fits_nowhere_is_given_all_the_same(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    size = len(BLOBS[0].data)
    cache = bytes_cache(store, memory_bytes=2 * size)
    for i in (0, 1, 0, 1):
        assert cache.get(BLOBS[i].key) == BLOBS[i].data
    assert (len(objects.reads), cache.num_loads, cache.num_hits) == (2, 2, 2)
    small = bytes_cache(store, memory_bytes=size - 1)
    assert [small.get(BLOBS[0].key) for _ in range(2)] == [BLOBS[0].data] * 2
    assert (small.num_loads, small.num_hits) == (2, 0)


def test_a_new_process_drops_from_the_disk_what_was_used_longest_ago(tmp_path: Path) -> None:
    """Also by processes before it: the time of a file is that of its last use; half-written files are not counted."""
    store, objects = opened(tmp_path)
    folder, size = tmp_path / "cache", len(BLOBS[0].data)
    first = bytes_cache(store, folder=folder, memory_bytes=0)
    for age, i in enumerate((2, 0, 1)):
        first.get(BLOBS[i].key)
        (path,) = folder.glob(f"s/??/{BLOBS[i].key}")
        os.utime(path, (100.0 + age, 100.0 + age))
    (path.parent / ".half.tmp").write_bytes(b"x" * 10 * size)
    first.get(BLOBS[2].key)
    second = bytes_cache(store, folder=folder, memory_bytes=0, disk_bytes=3 * size)
    assert len(list(folder.glob("s/??/[!.]*"))) == 3
    second.get(BLOBS[3].key)
    assert {file.name for file in folder.glob("s/??/[!.]*")} == {BLOBS[i].key for i in (1, 2, 3)}
    objects.reads.clear()
    for i in (1, 2, 3):
        assert second.get(BLOBS[i].key) == BLOBS[i].data
    assert not objects.reads


def test_prefetch_may_wait_until_all_is_near(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    cache = bytes_cache(store)
    cache.prefetch([BLOBS[0].key, BLOBS[1].key, "0" * 64], wait=True)
    assert len(objects.reads) == 2
    assert [cache.get(BLOBS[i].key) for i in (0, 1)] == [BLOBS[i].data for i in (0, 1)]
    assert (cache.num_hits, len(objects.reads)) == (2, 2)


def test_an_expert_that_could_not_be_loaded_may_be_asked_for_again(tmp_path: Path) -> None:
    store, objects = opened(tmp_path)
    cache, name = bytes_cache(store), store.names.pack(store.catalog.segments[0])
    whole = objects.get(name)
    objects.put(name, b"x" * len(whole))
    with pytest.raises(CorruptError):
        cache.get(BLOBS[1].key)
    objects.put(name, whole)
    assert cache.get(BLOBS[1].key) == BLOBS[1].data


@pytest.mark.parametrize(("gigabytes_free", "kept"), [(0, 1), (96, 3)])
def test_memory_keeps_a_share_of_what_is_free_and_a_gigabyte_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gigabytes_free: int, kept: int
) -> None:
    monkeypatch.setattr("semoe.store.cache.available_memory", lambda: gigabytes_free << 30)
    store, _ = opened(tmp_path)
    cache = ExpertCache(store, lambda key, data: data, lambda value: 1 << 30)
    for one in [*BLOBS[:4], *reversed(BLOBS[:4])]:
        cache.get(one.key)
    assert cache.num_hits == kept
