"""The contract of `Objects` as tests: subclass and give a fresh back end.

class TestMine(ObjectsContract):
    @pytest.fixture
    def objects(self): return MyObjects(...)
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from semoe.errors import UsageError
from semoe.store.objects.contract import MissingObjectError, Objects
from semoe.store.objects.opening import check_conditional_writes


class ObjectsContract:
    """Each test gets an empty store from the subclass's fixture `objects`."""

    def test_put_then_get_whole_and_in_part(self, objects: Objects) -> None:
        """Ranges are exact; the second put wins."""
        objects.put("a/b", b"old")
        objects.put("a/b", b"0123456789")
        assert objects.get("a/b") == b"0123456789"
        assert objects.get("a/b", 2, 3) == b"234"
        assert objects.get("a/b", 7) == b"789"
        assert objects.get("a/b", 3, 0) == b""

    def test_missing_objects_are_named(self, objects: Objects) -> None:
        """Getting raises, deleting does not."""
        with pytest.raises(MissingObjectError, match="a/none is missing"):
            objects.get("a/none")
        with pytest.raises(MissingObjectError):
            objects.get("a/none", 3, 4)
        objects.delete("a/none")

    def test_create_keeps_what_is_there(self, objects: Objects) -> None:
        """The first writer wins, also after a put."""
        assert objects.create("c/1", b"first")
        assert not objects.create("c/1", b"second")
        assert objects.get("c/1") == b"first"
        objects.put("c/2", b"put")
        assert not objects.create("c/2", b"created")

    def test_of_racing_creators_one_wins(self, objects: Objects) -> None:
        """Eight threads, twenty names."""
        for i in range(20):
            with ThreadPoolExecutor(8) as pool:
                won = list(pool.map(lambda k, name=f"race/{i}": objects.create(name, str(k).encode()), range(8)))
            assert sum(won) == 1
            assert objects.get(f"race/{i}") == str(won.index(True)).encode()

    def test_list_is_ordered_complete_and_by_prefix(self, objects: Objects) -> None:
        """Sizes are told; a prefix need not end at a slash."""
        names = [f"l/{i:02}/{j}" for i in range(3) for j in "ab"]
        for name in reversed(names):
            objects.put(name, name.encode())
        assert [stored.name for stored in objects.list("l/")] == names
        assert [stored.name for stored in objects.list("l/01/")] == names[2:4]
        assert [stored.name for stored in objects.list("l/0")] == names
        assert {stored.size for stored in objects.list("l/")} == {6}
        assert not list(objects.list("none/"))

    def test_folders_are_the_next_parts_alone(self, objects: Objects) -> None:
        """Each once, without the objects beside them."""
        for name in ("f/b/1", "f/b/2", "f/a/x/y", "f/object"):
            objects.put(name, b"")
        assert objects.folders("f/") == ["a", "b"]
        assert objects.folders("f/a/") == ["x"]
        assert objects.folders("none/") == []

    def test_deleted_objects_are_gone(self, objects: Objects) -> None:
        """And may be created again."""
        objects.put("d/1", b"x")
        objects.delete("d/1")
        assert not list(objects.list("d/"))
        assert objects.create("d/1", b"y")

    @pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "a\\b", "a b", "a\n"])
    def test_names_cannot_leave_the_store(self, objects: Objects, name: str) -> None:
        """Refused before anything is touched."""
        for act in (lambda: objects.put(name, b""), lambda: objects.create(name, b""), lambda: objects.get(name)):
            with pytest.raises(UsageError, match="cannot name an object"):
                act()

    def test_conditional_writes_pass_their_check(self, objects: Objects) -> None:
        """The check leaves nothing behind."""
        check_conditional_writes(objects)
        assert not list(objects.list("checks/"))
