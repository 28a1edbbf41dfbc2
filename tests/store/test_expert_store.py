"""What was published is found whole, and what was damaged since is never used; on a folder and on a real S3 server."""

from dataclasses import replace
from pathlib import Path
from threading import Barrier

import orjson
import pytest

from semoe.errors import CorruptError, UsageError
from semoe.store.catalog import Catalog
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects, Objects
from semoe.store.pack import Blob, build_pack, read_index
from semoe.store.upkeep import verify, withdraw
from tests.store.blobs import blob, whole
from tests.store.objects.wrapped import Wrapped


def test_what_is_published_is_found_by_every_reader(objects: Objects) -> None:
    store, reader = ExpertStore(objects, "s1"), ExpertStore(objects, "s1")
    blobs = [blob(i) for i in range(5)]
    store.publish(blobs[:3], run="r", shard=0, token="t")
    store.publish(blobs[3:], run="r", shard=0, token="t")
    assert len(reader) == 0
    reader.refresh()
    for one in (store, reader, ExpertStore(objects, "s1")):
        assert len(one) == 5
        assert whole(one, blobs)
        assert {(e.title, e.num_tokens) for e in one.entries()} == {(f"T{i}", i) for i in range(5)}


def test_only_what_is_new_is_published(objects: Objects) -> None:
    store, blobs = ExpertStore(objects, "s1"), [blob(i) for i in range(5)]
    assert store.publish(blobs[:3], run="r", shard=0, token="t") == 3
    assert store.publish(blobs, run="r", shard=0, token="t") == 2
    assert store.publish(blobs, run="r", shard=0, token="t") == 0
    for one in (store, ExpertStore(objects, "s1")):
        assert len(one) == 5
        assert whole(one, blobs)


class TwoAtOnce(Wrapped):
    """Takes a pack only while it takes another."""

    def __init__(self, inner: Objects) -> None:
        super().__init__(inner)
        self._barrier = Barrier(2, timeout=20)

    def put(self, name: str, *data: bytes) -> None:
        if name.endswith(".pack"):
            self._barrier.wait()
        super().put(name, *data)


def test_packs_are_written_at_once_and_become_visible_together(objects: Objects) -> None:
    blobs = [blob(i, size=46) for i in range(4)]
    store = ExpertStore(TwoAtOnce(objects), "s")
    assert store.publish(blobs, run="r", shard=0, token="t", pack_bytes=100) == 4
    (commit,) = objects.list(store.names.commits)
    assert len(store.ledger.commit(commit.name).segments) == 2
    for one in (store, ExpertStore(objects, "s")):
        assert (len(one), len(one.catalog.segments)) == (4, 2)
        assert whole(one, blobs)


def test_what_nobody_published_is_not_there(objects: Objects) -> None:
    store = ExpertStore(objects, "s1")
    store.publish([blob(i) for i in range(5)], run="r", shard=0, token="t")
    assert blob(9).key not in store
    assert store.get(blob(9).key) is None
    assert len(ExpertStore(objects, "s2")) == 0


def test_one_expert_is_one_ranged_read(objects: Objects) -> None:
    ExpertStore(objects, "s").publish([blob(i) for i in range(9)], run="r", shard=0, token="t")
    counted = Wrapped(objects)
    store = ExpertStore(counted, "s")
    counted.reads.clear()
    store.get(blob(4).key)
    assert len(counted.reads) == 1


def with_a_flipped_bit(objects: Objects, blobs: list[Blob]) -> ExpertStore:
    """A store whose one pack has a bit flipped within the second blob."""
    store = ExpertStore(objects, "s")
    store.publish(blobs, run="r", shard=0, token="t")
    (name,) = [f.name for f in objects.list("spaces/s/segments/") if f.name.endswith(".pack")]
    data = bytearray(objects.get(name))
    data[60] ^= 1
    objects.put(name, bytes(data))
    return store


def test_a_flipped_bit_is_never_used_and_is_found(objects: Objects) -> None:
    blobs = [blob(i) for i in range(3)]
    store = with_a_flipped_bit(objects, blobs)
    with pytest.raises(CorruptError, match="is damaged"):
        store.get(blobs[1].key)
    assert store.get(blobs[0].key) == blobs[0].data
    ((_, problem),) = verify(store)
    assert problem is not None
    assert problem.what.startswith("damaged")


def test_a_damaged_pack_that_was_withdrawn_is_gone_for_all_and_can_be_published_anew(objects: Objects) -> None:
    blobs = [blob(i) for i in range(3)]
    store = with_a_flipped_bit(objects, blobs)
    ((segment, _),) = verify(store)
    withdraw(store, segment)
    for reader in (store, ExpertStore(objects, "s")):
        assert len(reader) == 0
        assert reader.get(blobs[0].key) is None
    assert store.publish(blobs, run="r", shard=0, token="t") == 3
    assert whole(ExpertStore(objects, "s"), blobs)


def test_a_damaged_index_costs_its_experts_and_not_the_store(objects: Objects) -> None:
    store = ExpertStore(objects, "s")
    for i in range(2):
        store.publish([blob(i)], run="r", shard=0, token="t")
    segment = store.catalog.segments[0]
    objects.put(store.names.index(segment), b"{}")
    reader = ExpertStore(objects, "s")
    assert [blob(i).key in reader for i in range(2)] == [False, True]
    assert list(reader.ledger.damaged) == [segment]
    assert [found for found, problem in verify(reader) if problem] == [segment]
    objects.delete(store.names.index(segment))
    assert len(ExpertStore(objects, "s")) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 3}, "version 3; this program reads"),
        ({"format": "other"}, "other version 2"),
        ({"count": 3}, "is cut"),
        ({"pack": "0" * 64}, "another pack's"),
        ({"size": 1}, "bad entry"),
    ],
)
def test_an_index_of_another_version_or_pack_is_refused(change: dict[str, object], words: str) -> None:
    pack = build_pack([blob(0), blob(1)])
    header, *lines = pack.index.splitlines()
    changed = b"\n".join([orjson.dumps(orjson.loads(header) | change), *lines])
    with pytest.raises(CorruptError, match=words):
        read_index(changed, pack.segment)


def test_an_index_of_the_first_version_is_read() -> None:
    """It does not say what its experts learnt."""
    pack = build_pack([blob(0), blob(1)])
    header, *lines = map(orjson.loads, pack.index.splitlines())
    for line in lines:
        del line["learnt"]
    first = b"\n".join(map(orjson.dumps, [header | {"version": 1}, *lines]))
    assert read_index(first, pack.segment) == [replace(entry, learnt="") for entry in pack.entries]


@pytest.mark.parametrize(
    "change", [{"offset": -1}, {"length": 1 << 40}, {"length": "5"}, {"key": "../x"}, {"digest": 1}, {"more": 1}]
)
def test_an_entry_that_lies_is_refused(change: dict[str, object]) -> None:
    pack = build_pack([blob(0)])
    header, line = pack.index.splitlines()
    with pytest.raises(CorruptError, match=r"bad entry|is damaged"):
        read_index(b"\n".join([header, orjson.dumps(orjson.loads(line) | change)]), pack.segment)


@pytest.mark.parametrize("end", range(2, 400, 40))
def test_a_cut_index_is_refused(end: int) -> None:
    pack = build_pack([blob(0), blob(1)])
    with pytest.raises(CorruptError):
        read_index(pack.index[:-end], pack.segment)


def test_a_damaged_commit_is_named(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    objects.put("spaces/s/commits/r/0-000000.json", b"{")
    with pytest.raises(CorruptError, match=r"0-000000\.json is damaged"):
        ExpertStore(objects, "s")


@pytest.mark.parametrize("space", ["..", "a/../b", ""])
def test_a_space_cannot_leave_the_store(tmp_path: Path, space: str) -> None:
    with pytest.raises(UsageError, match="cannot name"):
        ExpertStore(FolderObjects(tmp_path), space)


@pytest.mark.parametrize("key", ["", "abc", "Z" * 64, "../" + "a" * 61])
def test_an_expert_needs_a_hash_for_a_key(key: str) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        Blob(key=key, data=b"x", title="", num_tokens=0, loss=0.0)


def test_the_catalog_needs_64_bytes_an_expert_and_tells_equal_beginnings_apart() -> None:
    pack = build_pack([Blob(key=f"{'a' * 16}{i:016x}{'0' * 32}", data=b"x" * (i + 1), title="", num_tokens=0, loss=0.0)
                       for i in range(50)])  # fmt: skip
    catalog = Catalog()
    catalog.add([(pack.segment, read_index(pack.index, pack.segment))])
    for i in range(50):
        place = catalog.find(f"{'a' * 16}{i:016x}{'0' * 32}")
        assert place is not None
        assert place.length == i + 1
    assert catalog.find("a" * 64) is None
    assert catalog.num_bytes <= 64 * 50
