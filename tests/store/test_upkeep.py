"""Folding commits and removing garbage lose nothing, whoever publishes and reads meanwhile."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semoe.errors import CorruptError
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects, Objects
from semoe.store.pack import build_pack, index_name, pack_name
from semoe.store.upkeep import compact, folded, garbage, remove
from tests.store.blobs import blob, intact, whole
from tests.store.objects.wrapped import Wrapped


@pytest.fixture
def four(objects: Objects) -> ExpertStore:
    """Four experts in as many commits."""
    store = ExpertStore(objects, "s")
    for i in range(4):
        store.publish([blob(i)], run="r", shard=0, token="t")
    return store


def test_a_snapshot_is_read_in_the_place_of_the_commits_that_it_folds(objects: Objects, four: ExpertStore) -> None:
    assert compact(four)
    counted = Wrapped(objects)
    reader = ExpertStore(counted, "s")
    assert counted.reads == ["spaces/s/snapshots/00000001.snap"]
    assert whole(reader, [blob(i) for i in range(4)])


def test_what_is_folded_is_not_folded_again(four: ExpertStore) -> None:
    assert compact(four)
    assert not compact(four)


def test_folded_commits_go_once_they_are_old_and_nothing_else_goes(four: ExpertStore) -> None:
    compact(four)
    assert folded(four, grace_seconds=3600) == []
    assert len(list(remove(four, folded(four, grace_seconds=-3600)))) == 4
    assert garbage(four, grace_seconds=-3600) == []


def test_readers_from_before_and_after_a_snapshot_find_what_comes_next(objects: Objects, four: ExpertStore) -> None:
    before = ExpertStore(objects, "s")
    assert not before.ledger.snapshot_number
    compact(four)
    list(remove(four, folded(four, grace_seconds=-3600)))
    after = ExpertStore(objects, "s")
    assert four.publish([blob(3), blob(9)], run="r", shard=0, token="t") == 1
    for one in (after, before):
        one.refresh()
        assert len(one) == 5
        assert whole(one, [blob(i) for i in (0, 1, 2, 3, 9)])


def test_a_commits_name_is_never_used_twice(objects: Objects, four: ExpertStore) -> None:
    compact(four)
    list(remove(four, folded(four, grace_seconds=-3600)))
    four.publish([blob(9)], run="r", shard=0, token="t")
    (name,) = [found.name for found in objects.list("spaces/s/commits/")]
    assert name.endswith("00000-000004.json")


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
