"""Where experts lie, by key, by the beginning of a key, and as a second reader knows it."""

import hashlib
from pathlib import Path

import numpy as np
import orjson
import pytest

from semoe.errors import CorruptError
from semoe.store.catalog import Catalog
from semoe.store.digest import digest
from semoe.store.expert_store import ExpertStore
from semoe.store.object_names import number_of
from semoe.store.objects import FolderObjects, MissingObjectError, Objects
from semoe.store.pack import Blob, ExpertEntry
from semoe.store.snapshot import Snapshot, read_snapshot, write_snapshot
from semoe.store.upkeep import compact, folded, withdraw
from tests.store.blobs import blob
from tests.store.objects.wrapped import Wrapped


def entry(key: str, offset: int = 0) -> ExpertEntry:
    return ExpertEntry(key=key, offset=offset, length=1, digest="ab" * 32, title="", num_tokens=0, loss=0.0)


def catalog(**segments: list[str]) -> Catalog:
    made = Catalog()
    made.add([(name, [entry(key, offset) for offset, key in enumerate(keys)]) for name, keys in segments.items()])
    return made


def key(beginning: str, digit: str = "0") -> str:
    return beginning.ljust(64, digit)


def segment(found: Catalog, wanted: str) -> str:
    place = found.find(wanted)
    return place.segment if place else ""


def test_of_an_expert_in_several_segments_the_first_stays() -> None:
    both = catalog(a=[key("1"), key("2")], b=[key("2"), key("3")])
    assert [segment(both, key(digit)) for digit in "1234"] == ["a", "a", "b", ""]
    both.add([("c", [entry(key("3")), entry(key("0")), entry(key("4"))])])
    assert [segment(both, key(digit)) for digit in "01234"] == ["c", "a", "a", "b", "c"]
    assert (len(both), list(both.segments)) == (5, ["a", "b", "c"])


def test_two_catalogs_make_one_in_which_the_first_ones_places_go_first() -> None:
    one, other = catalog(a=[key("1"), key("2")], c=[key("4")]), catalog(b=[key("2"), key("3")], c=[key("5")])
    both = one.and_also(other)
    assert [segment(both, key(digit)) for digit in "12345"] == ["a", "a", "b", "c", "c"]
    assert (len(one), len(other), len(both)) == (3, 3, 5)
    assert [segment(Catalog().and_also(other), key(digit)) for digit in "2345"] == ["b", "b", "", "c"]


def test_a_dropped_segments_experts_are_gone_and_no_others() -> None:
    both = catalog(a=[key("1")], b=[key("2"), key("3")])
    both.drop("b")
    both.drop("nope")
    assert [segment(both, key(digit)) for digit in "123"] == ["a", "", ""]


@pytest.mark.parametrize(
    ("beginning", "segments"),
    [
        ("", ["a", "b", "c"]), ("1", ["a", "b"]), ("1f", ["b"]), ("2", []), ("f", ["c"]), ("ffff", ["c"]),
        ("1000000000000000", ["a"]), (key("1"), ["a"]), ("0", []), ("xy", []), ("F", []),
    ],
)  # fmt: skip
def test_segments_are_found_by_the_beginning_of_a_key(beginning: str, segments: list[str]) -> None:
    found = catalog(a=[key("1")], b=[key("1f", "f")], c=[key("f", "f")])
    assert found.segments_of(beginning) == segments


def test_keys_are_found_by_their_beginning_alone(tmp_path: Path) -> None:
    """Also by one that is longer than what the catalog is sorted by."""
    store = ExpertStore(FolderObjects(tmp_path), "s")
    keys = [key("ab"), key("ab", "1"), key("b"), f"{'0' * 16}ab".ljust(64, "0"), f"{'0' * 16}ac".ljust(64, "0")]
    for number, one in enumerate(keys):
        store.publish([Blob(key=one, data=b"x", title="", num_tokens=0, loss=0.0)], run="r", shard=number, token="t")
    assert store.keys("ab") == keys[:2]
    assert store.keys("") == sorted(keys)
    assert store.keys("0" * 16 + "ab") == [keys[3]]
    assert store.keys("c") == store.keys("zz") == []


def test_a_snapshot_whose_row_names_no_segment_is_refused() -> None:
    whole = catalog(a=[key("1")], b=[key("2")])
    assert len(read_snapshot(write_snapshot(Snapshot(whole, frozenset(["commits/x"]))), "n").catalog) == 2
    heads, rows = whole.arrays
    one_short = Catalog(["a"], heads, rows)
    with pytest.raises(CorruptError, match="segment"):
        read_snapshot(write_snapshot(Snapshot(one_short, frozenset())), "n")


def test_an_empty_snapshot_is_one(tmp_path: Path) -> None:
    read = read_snapshot(write_snapshot(Snapshot(Catalog(), frozenset())), "n")
    assert (len(read.catalog), read.commits) == (0, frozenset())
    assert not compact(ExpertStore(FolderObjects(tmp_path), "s")), "there is nothing to fold"


class Vanishing(Wrapped):
    """Commits that are listed, and of which a few reads, or all of one, find nothing."""

    def __init__(self, inner: Objects, ghost: str = "") -> None:
        super().__init__(inner)
        self._ghost, self.gone = ghost, 0

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        found = super().get(name, start, length)
        if name == self._ghost or ("/commits/" in name and self.gone):
            self.gone = max(0, self.gone - 1)
            raise MissingObjectError(name, kind="missing")
        return found


def test_a_reader_finds_in_the_snapshot_what_was_folded_while_it_read(tmp_path: Path) -> None:
    """A commit that goes between listing and reading is in a snapshot by then."""
    objects = FolderObjects(tmp_path)
    for number in range(3):
        ExpertStore(objects, "s").publish([blob(number)], run="r", shard=number, token="t")

    class Folding(Wrapped):
        def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            if "/commits/" in name and name.endswith("000000.json") and not self.writes:
                self.writes = 1
                keeper = ExpertStore(objects, "s")
                assert compact(keeper)
                for one in folded(ExpertStore(objects, "s"), -3600):
                    objects.delete(one.name)
            return super().get(name, start, length)

    reader = ExpertStore(Folding(objects), "s")
    assert all(blob(number).key in reader for number in range(3))
    assert reader.ledger.snapshot_number == 1


def test_a_commit_that_is_listed_and_gone_costs_two_reads_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Some servers list for a while what was removed: the others are read once all the same."""
    objects = FolderObjects(tmp_path)
    for number in range(4):
        ExpertStore(objects, "s").publish([blob(number)], run="r", shard=number, token="t")
    ghost = next(objects.list("spaces/s/commits/")).name
    listed = Vanishing(objects, ghost)
    reader = ExpertStore(listed, "s")
    assert len(reader) == 3
    assert listed.reads.count(ghost) == 2
    read = [name for name in listed.reads if "/commits/" in name]
    assert len(read) == 5
    for _ in range(3):
        reader.refresh()
    assert [name for name in listed.reads if "/commits/" in name] == read, "what is known to be gone is not asked for"
    assert caplog.text.count("is listed, but not there") == 1


def test_older_snapshots_go_and_the_newest_stays(tmp_path: Path) -> None:
    """Also for one who looks after a space that others changed since it was opened."""
    objects = FolderObjects(tmp_path)
    keeper, early, store = (ExpertStore(objects, "s") for _ in range(3))
    for number in range(2):
        store.publish([blob(number)], run="r", shard=0, token="t")
        assert compact(early)
    store.publish([blob(2)], run="r", shard=0, token="t")
    listed = [found.name.rpartition("/")[2] for found in folded(keeper, -3600)]
    assert listed == ["00000-000000.json", "00000-000001.json", "00000001.snap"]
    assert folded(keeper, 3600) == []
    assert len(read_snapshot(objects.get(keeper.names.snapshot(2)), "n").catalog) == 2


def test_what_was_withdrawn_comes_back_by_no_way(tmp_path: Path) -> None:
    """Not by an older reader's commits, and not by a snapshot."""
    objects = FolderObjects(tmp_path)
    store, other = ExpertStore(objects, "s"), ExpertStore(objects, "s")
    store.publish([blob(1)], run="r", shard=0, token="t")
    withdraw(other, store.catalog.segments[0])
    assert len(store) == 1
    assert store.publish([blob(2)], run="r", shard=0, token="t") == 1
    store.refresh()
    assert (blob(1).key in store, blob(2).key in store) == (False, True)
    assert compact(store)
    assert blob(1).key not in ExpertStore(objects, "s")
    other.refresh()
    assert (len(other), other.publish([blob(1)], run="r", shard=1, token="o")) == (1, 1)
    assert len(ExpertStore(objects, "s")) == 2


@pytest.mark.parametrize(
    ("name", "number"), [("a/00000-000012.json", 12), ("a/00000007.snap", 7), ("a/x.json", 0), ("a-3/b.json", 0)]
)
def test_a_commits_number_is_read_off_its_name(name: str, number: int) -> None:
    assert number_of(name) == number


def test_a_digest_is_of_the_parts_one_behind_the_other() -> None:
    assert digest(b"ab", memoryview(b"c")) == digest(b"abc") != digest(b"acb")
    assert len(digest()) == 32


def test_entries_come_once_each_with_the_place_that_counts(tmp_path: Path) -> None:
    """Two shards may both publish an expert: the catalog keeps one of them, and so does the listing."""
    objects = FolderObjects(tmp_path)
    stores = [ExpertStore(objects, "s") for _ in range(2)]
    for number, store in enumerate(stores):
        store.publish([blob(7), blob(number)], run="r", shard=number, token=str(number))
    reader = ExpertStore(objects, "s")
    assert sorted(one.num_tokens for one in reader.entries()) == [0, 1, 7]
    assert hashlib.sha256(b"7").hexdigest() in reader
    assert np.all(reader.catalog.arrays[0][:-1] <= reader.catalog.arrays[0][1:])
    assert orjson.loads(objects.get(next(objects.list("spaces/s/commits/")).name))["version"] == 1


def test_a_commit_that_vanishes_while_it_is_read_is_looked_for_again_and_not_for_ever(tmp_path: Path) -> None:
    objects = Vanishing(FolderObjects(tmp_path))
    ExpertStore(objects, "s").publish([blob(1)], run="r", shard=0, token="t")
    objects.gone = 1
    assert blob(1).key in ExpertStore(objects, "s")
    objects.gone = 2
    assert blob(1).key not in ExpertStore(objects, "s"), "listed by the server, and removed long ago"


def test_a_producer_gives_no_name_again_that_is_still_listed(tmp_path: Path) -> None:
    objects = Vanishing(FolderObjects(tmp_path))
    ExpertStore(objects, "s").publish([blob(1)], run="r", shard=0, token="t")
    objects.gone = 1 << 30
    store = ExpertStore(objects, "s")
    assert store.publish([blob(2)], run="r", shard=0, token="u") == 1
    assert [found.name[-11:] for found in objects.list("spaces/s/commits/")] == ["000000.json", "000001.json"]


def test_entries_are_found_by_key_with_one_read_a_pack(tmp_path: Path) -> None:
    objects = Wrapped(FolderObjects(tmp_path))
    store = ExpertStore(objects, "s")
    for numbers in ((1, 2, 3), (4, 5), (6,)):
        store.publish([blob(number) for number in numbers], run="r", shard=0, token="t")
    objects.reads.clear()
    found = store.entries_of([blob(number).key for number in (1, 3, 4, 9)])
    assert {entry.key for entry in found} == {blob(number).key for number in (1, 3, 4)}
    assert len(objects.reads) == 2
