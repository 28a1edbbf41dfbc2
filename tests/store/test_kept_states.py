"""A state that was kept is read again exactly, whatever was committed, folded or retrained since, or is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semoe.errors import CorruptError, UsageError
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import find_state, keep, kept_states, open_at, open_to_answer, seen_by
from semoe.store.objects import FolderObjects, Objects
from semoe.store.pack import Blob
from semoe.store.upkeep import compact, folded, garbage, remove, withdraw
from tests.store.blobs import blob, whole
from tests.store.objects.wrapped import Wrapped


def publish(objects: Objects, *numbers: int, run: str = "r", size: int = 50) -> None:
    assert ExpertStore(objects, "s").publish([blob(n, size) for n in numbers], run=run, shard=0, token="t")


@pytest.fixture
def first(objects: Objects) -> str:
    """The state of a space with two experts, which has a third since."""
    publish(objects, 0)
    publish(objects, 1)
    digest = open_to_answer(objects, "s").ledger.state.digest
    publish(objects, 2)
    return digest


def experts(store: ExpertStore, count: int = 10) -> dict[int, bytes]:
    found = {number: store.get(blob(number).key) for number in range(count)}
    return {number: data for number, data in found.items() if data is not None}


def fold(objects: Objects) -> None:
    store = ExpertStore(objects, "s")
    assert compact(store)
    list(remove(store, folded(store, grace_seconds=-3600)))
    list(remove(store, garbage(store, grace_seconds=-3600)))


def test_a_state_has_its_experts_and_no_later_one(objects: Objects, first: str) -> None:
    held = open_at(objects, "s", first)
    assert list(experts(held)) == [0, 1]
    assert {entry.title for entry in held.entries()} == {"T0", "T1"}
    held.refresh()
    assert len(held) == 2
    assert len(open_to_answer(objects, "s")) == 3
    assert held.ledger.state == find_state(objects, "s", first).state
    assert (held.ledger.state.num_experts, held.ledger.state.num_commits, held.ledger.state.snapshot) == (2, 2, 0)


def test_a_state_is_the_same_before_and_after_a_compaction(objects: Objects, first: str) -> None:
    third = open_to_answer(objects, "s").ledger.state
    fold(objects)
    again = open_to_answer(objects, "s").ledger.state
    assert (again.digest, again.snapshot) == (third.digest, 1)
    assert list(experts(open_at(objects, "s", first))) == [0, 1]
    publish(objects, 3)
    fold(objects)
    assert list(experts(open_at(objects, "s", first))) == [0, 1]
    assert list(experts(open_at(objects, "s", third.digest))) == [0, 1, 2]


def test_a_state_is_named_after_its_experts_wherever_they_are(tmp_path: Path) -> None:
    """In one pack or in two, under another run's commits, in another store."""
    digests = set()
    for place, commits in {"a": [(0,), (1,)], "b": [(1,), (0,)], "c": [(0, 1)]}.items():
        for numbers in commits:
            publish(FolderObjects(tmp_path / place), *numbers, run=place)
        digests.add(open_to_answer(FolderObjects(tmp_path / place), "s").ledger.state.digest)
    assert len(digests) == 1
    publish(FolderObjects(tmp_path / "d"), 0, 1, size=51)
    assert open_to_answer(FolderObjects(tmp_path / "d"), "s").ledger.state.digest not in digests


def test_an_expert_that_was_published_twice_is_the_one_of_the_state(objects: Objects) -> None:
    """A second producer saw the first one's commit too late; whoever opens the space now meets its commit first."""
    late = ExpertStore(objects, "s", max_age=600)
    publish(objects, 0, run="z")
    digest = open_to_answer(objects, "s").ledger.state.digest
    other = Blob(key=blob(0).key, data=b"other", title="", num_tokens=0, loss=0.0)
    assert late.publish([other], run="a", shard=0, token="u") == 1
    assert experts(ExpertStore(objects, "s")) == {0: b"other"}
    fold(objects)
    assert experts(open_at(objects, "s", digest)) == {0: blob(0).data}


def test_a_held_space_takes_up_nothing(objects: Objects, first: str) -> None:
    with pytest.raises(AssertionError, match="no experts"):
        open_at(objects, "s", first).publish([blob(7)], run="r", shard=0, token="t")


def test_a_state_whose_pack_was_withdrawn_is_refused_by_name(objects: Objects, first: str) -> None:
    pack = find_state(objects, "s", first).packs[0]
    withdraw(ExpertStore(objects, "s"), pack)
    with pytest.raises(UsageError, match=f"{first} .*cannot be read again: its pack {pack} was withdrawn") as told:
        open_at(objects, "s", first)
    assert told.value.kind == "state-gone"
    assert len(open_to_answer(objects, "s")) == 2


def test_a_state_is_read_again_once_its_experts_are_trained_again_alike(objects: Objects) -> None:
    publish(objects, 0, 1)
    digest = open_to_answer(objects, "s").ledger.state.digest
    for pack in find_state(objects, "s", digest).packs:
        withdraw(ExpertStore(objects, "s"), pack)
    publish(objects, 0)
    publish(objects, 1)
    assert open_to_answer(objects, "s").ledger.state.digest == digest
    assert whole(open_at(objects, "s", digest), [blob(0), blob(1)])


def test_a_state_whose_pack_was_removed_is_refused_by_name(objects: Objects, first: str) -> None:
    store = ExpertStore(objects, "s")
    pack = find_state(objects, "s", first).packs[0]
    # Withdrawn and collected; then somebody took the mark away too.
    withdraw(store, pack)
    fold(objects)
    list(remove(store, garbage(ExpertStore(objects, "s"), grace_seconds=-3600)))
    objects.delete(store.names.pack(pack))
    objects.delete(store.names.index(pack))
    objects.delete(f"{store.names.withdrawn}{pack}")
    with pytest.raises(UsageError, match="cannot be read again: a pack of it was removed") as told:
        open_at(objects, "s", first)
    assert told.value.kind == "state-gone"


def test_a_state_is_found_by_its_beginning_and_an_unknown_one_names_those_that_there_are(
    objects: Objects, first: str
) -> None:
    assert find_state(objects, "s", first[:6]).state.digest == first
    second = open_to_answer(objects, "s").ledger.state.digest
    assert {kept.state.digest for kept in kept_states(objects, "s")} == {first, second}
    for unknown in ("nope", "", "../../s"):
        with pytest.raises(UsageError) as told:
            find_state(objects, "s", unknown)
        assert told.value.kind == "unknown-state"
        assert first in str(told.value)
        assert second in str(told.value)
    with pytest.raises(UsageError, match="None was kept yet"):
        find_state(objects, "another", first)


def test_an_empty_space_has_no_state_to_keep(objects: Objects) -> None:
    assert len(open_to_answer(objects, "s")) == 0
    assert list(objects.list("spaces/")) == []


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: b"[]",
                                    lambda d: d.replace(b'"version":1', b'"version":9'),
                                    lambda d: d.replace(b'"num_experts":1', b'"num_experts":null')])  # fmt: skip
def test_a_damaged_state_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    objects = FolderObjects(tmp_path)
    publish(objects, 0)
    store = open_to_answer(objects, "s")
    name = store.names.state(store.ledger.state.digest)
    objects.put(name, damage(objects.get(name)))
    with pytest.raises(CorruptError, match="State"):
        open_at(objects, "s", store.ledger.state.digest)


def test_packs_that_are_another_states_are_noticed(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    publish(objects, 0)
    one = open_to_answer(objects, "s")
    publish(objects, 1)
    two = open_to_answer(objects, "s")
    name = one.names.state(one.ledger.state.digest)
    told = json.loads(objects.get(name)) | {"packs": find_state(objects, "s", two.ledger.state.digest).packs}
    objects.put(name, json.dumps(told).encode())
    with pytest.raises(CorruptError, match="other experts"):
        open_at(objects, "s", one.ledger.state.digest)


def test_a_space_that_cannot_be_written_is_read_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    publish(FolderObjects(tmp_path), 0)
    (tmp_path / "spaces" / "s" / "states").touch()  # a file where the folder would be
    assert len(open_to_answer(FolderObjects(tmp_path), "s")) == 1
    assert "--snapshot will not find it" in caplog.text


def test_a_state_of_a_compacted_space_costs_no_index(objects: Objects, first: str) -> None:
    fold(objects)
    counted = Wrapped(objects)
    open_at(counted, "s", first)
    assert counted.reads == [f"spaces/s/states/{first}.json", "spaces/s/snapshots/00000001.snap"]


Steps = st.lists(
    st.tuples(st.sampled_from(["publish", "fold", "keep"]), st.integers(0, 2), st.sets(st.integers(0, 9), min_size=1)),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(Steps)
def test_whatever_happens_a_state_that_was_kept_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, set[int]]]
) -> None:
    """Producers that know nothing of each other publish other bytes of the same passages."""
    objects = FolderObjects(tmp_path_factory.mktemp("states"))
    producers = [ExpertStore(objects, "s", max_age=600) for _ in range(3)]
    seen: dict[str, dict[int, bytes]] = {}
    for what, who, numbers in steps:
        if what == "publish":
            blobs = [blob(number, 20 + who) for number in sorted(numbers)]
            producers[who].publish(blobs, run=f"r{who}", shard=0, token=str(who))
        elif what == "fold":
            compact(producers[who])
            list(remove(producers[who], folded(producers[who], grace_seconds=-3600)))
        else:
            keep(objects, seen_by(producers[who]))
            seen[producers[who].ledger.state.digest] = experts(producers[who])
    for digest, there in seen.items():
        if there:
            assert experts(open_at(objects, "s", digest)) == there
