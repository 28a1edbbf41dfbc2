"""Passages that give nothing to learn are known to every reader of a space, with the reason."""

import pytest

from semoe.errors import CorruptError
from semoe.store.barren import NO_PAIRS, NO_SEQUENCE
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects


def test_what_one_found_another_knows(objects: FolderObjects) -> None:
    first = ExpertStore(objects, "s")
    first.barren.add({"a" * 64: NO_PAIRS}, run="r", shard=3)
    first.barren.add({"a" * 64: NO_PAIRS, "b" * 64: NO_SEQUENCE}, run="r", shard=3)
    first.barren.add({"b" * 64: NO_SEQUENCE}, run="other")
    first.barren.add({}, run="other")
    assert len(list(objects.list("spaces/s/barren/"))) == 2
    other = ExpertStore(objects, "s")
    assert other.barren.reasons == {"a" * 64: NO_PAIRS, "b" * 64: NO_SEQUENCE}
    assert "a" * 64 in other.barren
    assert "c" * 64 not in other.barren
    assert not ExpertStore(objects, "another").barren.reasons
    assert "a" * 64 not in other, "it has no expert"


def test_a_damaged_object_is_named(objects: FolderObjects) -> None:
    objects.put("spaces/s/barren/r/00000-x.json", b"[1")
    with pytest.raises(CorruptError, match=r"00000-x\.json is damaged"):
        _ = ExpertStore(objects, "s").barren.reasons
