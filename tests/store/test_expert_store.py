"""Whole experts or none, each once, whatever happens to a producer; on a folder and on a real S3 server."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semoe.errors import CorruptError, UsageError
from semoe.store.catalog import Catalog
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects, Objects
from semoe.store.pack import Blob, build_pack, index_name, pack_name, read_index
from semoe.store.upkeep import compact, folded, garbage, remove, verify, withdraw
from tests.store.blobs import blob, intact, whole
from tests.store.objects.wrapped import Wrapped


def test_what_is_published_is_found_by_every_reader(objects: Objects) -> None:
    store, reader = ExpertStore(objects, "s1"), ExpertStore(objects, "s1")
    blobs = [blob(i) for i in range(5)]
    assert store.publish(blobs[:3], run="r", shard=0, token="t") == 3
    assert store.publish(blobs, run="r", shard=0, token="t") == 2
    assert store.publish(blobs, run="r", shard=0, token="t") == 0
    assert len(reader) == 0
    reader.refresh()
    for one in (store, reader, ExpertStore(objects, "s1")):
        assert len(one) == 5
        assert whole(one, blobs)
        assert {(e.title, e.num_tokens) for e in one.entries()} == {(f"T{i}", i) for i in range(5)}
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


@pytest.mark.parametrize("step", range(6))
def test_a_producer_killed_at_any_write_leaves_all_or_nothing(tmp_path: Path, step: int) -> None:
    objects, blobs = FolderObjects(tmp_path), [blob(i) for i in range(4)]

    class Killed(Wrapped):
        def act(self) -> None:
            if self.writes == step:
                os.kill(os.getpid(), signal.SIGKILL)
            self.writes += 1

    child = os.fork()
    if child == 0:
        ExpertStore(Killed(objects), "s").publish(blobs, run="r", shard=0, token="first")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    after = ExpertStore(objects, "s")
    committed = step == 5
    assert len(after) == (4 if committed else 0)
    assert after.publish(blobs, run="r", shard=0, token="again") == (0 if committed else 4)
    assert whole(ExpertStore(objects, "s"), blobs)
    assert len(list(objects.list("spaces/s/commits/"))) == 1
    assert intact(after)


def test_racing_producers_of_a_shard_make_each_expert_visible_once(objects: Objects) -> None:
    blobs, made = [blob(i) for i in range(6)], list[int]()
    stores = [ExpertStore(objects, "s") for _ in range(4)]

    def produce(number: int) -> None:
        made.append(stores[number].publish(blobs, run="r", shard=0, token=str(number)))

    threads = [threading.Thread(target=produce, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 6]
    assert whole(ExpertStore(objects, "s"), blobs)


def test_a_producer_that_lost_the_race_publishes_what_the_winner_lacks(objects: Objects) -> None:
    class Beaten(Wrapped):
        def create(self, name: str, data: bytes) -> bool:
            if not self.writes:
                ExpertStore(self._inner, "s").publish([blob(0), blob(1)], run="r", shard=0, token="other")
                self.writes = 1
            return self._inner.create(name, data)

        def put(self, name: str, *data: bytes) -> None:
            self._inner.put(name, *data)

    assert ExpertStore(Beaten(objects), "s").publish([blob(1), blob(2)], run="r", shard=0, token="mine") == 1
    assert whole(ExpertStore(objects, "s"), [blob(i) for i in range(3)])
    assert len(list(objects.list("spaces/s/commits/"))) == 2


def test_a_commit_whose_answer_was_lost_counts_once(objects: Objects) -> None:
    class Lost(Wrapped):
        def create(self, name: str, data: bytes) -> bool:
            self._inner.create(name, data)
            return self._inner.create(name, data)  # what a client's own retry does

    assert ExpertStore(Lost(objects), "s").publish([blob(0)], run="r", shard=0, token="t") == 1
    assert len(list(objects.list("spaces/s/commits/"))) == 1


def test_a_flipped_bit_is_never_used_and_is_found(objects: Objects) -> None:
    store, blobs = ExpertStore(objects, "s"), [blob(i) for i in range(3)]
    store.publish(blobs, run="r", shard=0, token="t")
    (name,) = [f.name for f in objects.list("spaces/s/segments/") if f.name.endswith(".pack")]
    data = bytearray(objects.get(name))
    data[60] ^= 1
    objects.put(name, bytes(data))
    with pytest.raises(CorruptError, match="is damaged"):
        store.get(blobs[1].key)
    assert store.get(blobs[0].key) == blobs[0].data
    ((segment, problem),) = verify(store)
    assert problem is not None
    assert problem.what.startswith("damaged")
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


def test_gc_removes_only_what_no_commit_names_and_is_old(objects: Objects) -> None:
    store = ExpertStore(objects, "s")
    store.publish([blob(0)], run="r", shard=0, token="t")
    orphan = build_pack([blob(1)])
    objects.put(f"spaces/s/{pack_name(orphan.segment)}", *orphan.parts)
    objects.put(f"spaces/s/{index_name(orphan.segment)}", orphan.index)
    assert garbage(store, grace_seconds=3600) == []
    found = garbage(store, grace_seconds=-3600)
    assert {one.name for one in found} == {f"spaces/s/{name(orphan.segment)}" for name in (pack_name, index_name)}
    assert list(remove(store, found)) == found
    assert garbage(store, grace_seconds=-3600) == []
    assert whole(ExpertStore(objects, "s"), [blob(0)])


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


Actions = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["publish", "refresh", "compact", "remove"]),
        st.sets(st.integers(0, 9), min_size=1),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(Actions)
def test_histories_equal_a_plain_set(tmp_path_factory: pytest.TempPathFactory, actions) -> None:  # type: ignore[no-untyped-def]
    play(tmp_path_factory, actions)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(Actions)
def test_a_thousand_histories_equal_a_plain_set(tmp_path_factory: pytest.TempPathFactory, actions) -> None:  # type: ignore[no-untyped-def]
    play(tmp_path_factory, actions)


def play(tmp_path_factory: pytest.TempPathFactory, actions) -> None:  # type: ignore[no-untyped-def]
    objects = FolderObjects(tmp_path_factory.mktemp("history"))
    stores, model, made = [ExpertStore(objects, "s", max_age=0) for _ in range(3)], set[int](), 0
    for actor, action, numbers in actions:
        store = stores[actor]
        if action == "publish":
            made += store.publish([blob(i) for i in sorted(numbers)], run="r", shard=actor, token=str(actor))
            model |= numbers
            assert whole(store, [blob(i) for i in numbers])
        elif action == "refresh":
            store.refresh()
            assert len(store) == len(model)
        elif action == "compact":
            compact(store)
        else:
            list(remove(store, [*folded(store, -3600), *garbage(store, -3600)]))
        assert whole(store, [blob(i) for i in model if blob(i).key in store])
    final = ExpertStore(objects, "s")
    assert {i for i in range(10) if blob(i).key in final} == model
    assert made == len(model)
    assert intact(final)


def test_a_snapshot_takes_the_place_of_commits(objects: Objects) -> None:
    store = ExpertStore(objects, "s")
    for i in range(4):
        store.publish([blob(i)], run="r", shard=0, token="t")
    old_reader = ExpertStore(objects, "s")
    assert not old_reader.ledger.snapshot_number
    assert compact(store)
    assert not compact(store)
    assert folded(store, grace_seconds=3600) == []
    assert len(list(remove(store, folded(store, grace_seconds=-3600)))) == 4
    counted = Wrapped(objects)
    reader = ExpertStore(counted, "s")
    assert counted.reads == ["spaces/s/snapshots/00000001.snap"]
    assert garbage(store, grace_seconds=-3600) == []
    assert store.publish([blob(3), blob(9)], run="r", shard=0, token="t") == 1
    for one in (reader, old_reader):
        one.refresh()
        assert len(one) == 5
        assert whole(one, [blob(i) for i in (0, 1, 2, 3, 9)])
    (name,) = [found.name for found in objects.list("spaces/s/commits/")]
    assert name.endswith("00000-000004.json"), "a name is never used twice"


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:-1] + b"x", lambda d: b"{}\n", lambda d: b"",
                                    lambda d: d.replace(b'"version":1', b'"version":9')])  # fmt: skip
def test_a_damaged_snapshot_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    objects = FolderObjects(tmp_path)
    store = ExpertStore(objects, "s")
    store.publish([blob(0)], run="r", shard=0, token="t")
    compact(store)
    name = store.names.snapshot(1)
    objects.put(name, damage(objects.get(name)))
    with pytest.raises(CorruptError, match="napshot"):
        ExpertStore(objects, "s")
