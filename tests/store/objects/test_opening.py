"""From what a user types to a store, and what a store must be able to do."""

import time
from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.store.objects import FolderObjects, MissingObjectError, check_conditional_writes, clock, open_objects
from semoe.store.objects.reading import read_pieces
from tests.store.objects.wrapped import Wrapped


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    objects = open_objects(tmp_path / "store")
    objects.put("a/b", b"x")
    assert (tmp_path / "store" / "a" / "b").read_bytes() == b"x"
    assert open_objects(str(tmp_path / "store")).url == str(tmp_path / "store")


@pytest.mark.parametrize("url", ["gs://bucket/x", "s3://", "s3:///", "http://host/bucket"])
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="s3://bucket/prefix"):
        open_objects(url)


@pytest.mark.parametrize("answers", [(True, True), (False, False), (False, True)])
def test_a_store_without_conditional_writes_is_refused(tmp_path: Path, answers: tuple[bool, bool]) -> None:
    told = iter(answers)

    class Careless(Wrapped):
        def create(self, name: str, data: bytes) -> bool:
            self._inner.put(name, data)
            return next(told)

    objects = FolderObjects(tmp_path)
    with pytest.raises(UsageError, match="conditional writes"):
        check_conditional_writes(Careless(objects))
    assert not list(objects.list(""))


def test_the_stores_clock_is_the_stores_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects, now = FolderObjects(tmp_path), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e6)
    assert clock(objects) == pytest.approx(now, abs=60)
    assert not list(objects.list(""))


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2500])
def test_an_object_is_read_whole_piece_by_piece(tmp_path: Path, size: int) -> None:
    objects, data = Wrapped(FolderObjects(tmp_path)), bytes(i % 251 for i in range(size))
    objects.put("a/b", data)
    with read_pieces(objects, "a/b", size, piece_bytes=1000) as file:
        assert file.read() == data
    assert set(objects.reads) <= {"a/b"}
    with read_pieces(objects, "a", 1, piece_bytes=1000) as file, pytest.raises(MissingObjectError):
        file.read()
