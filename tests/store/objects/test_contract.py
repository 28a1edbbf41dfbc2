"""Both back ends keep the contract; S3 against a real server."""

from pathlib import Path

import pytest

from semoe.creating import WAYS
from semoe.store.objects import FolderObjects, Objects
from semoe.store.objects.s3 import S3Objects
from semoe.store.objects.testing import ObjectsContract


class TestFolder(ObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> Objects:
        return FolderObjects(tmp_path / "store")

    def test_half_written_files_are_never_listed(self, tmp_path: Path) -> None:
        objects = FolderObjects(tmp_path)
        objects.put("a/b", b"x")
        (tmp_path / "a" / ".b.1234.tmp").write_bytes(b"half")
        assert [stored.name for stored in objects.list("a/")] == ["a/b"]


class TestFolderWithoutLinks(ObjectsContract):
    @pytest.fixture
    def objects(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
        monkeypatch.setattr("semoe.creating.WAYS", WAYS[-1:])
        return FolderObjects(tmp_path / "store")

    def test_what_a_killed_writer_leaves_is_never_listed(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / ".b.mark").touch()
        assert not list(FolderObjects(tmp_path).list("a/"))


class TestS3(ObjectsContract):
    @pytest.fixture
    def objects(self, s3_objects: S3Objects) -> Objects:
        return s3_objects

    def test_a_listing_of_more_than_one_page_is_whole(self, s3_objects: S3Objects) -> None:
        names = [f"p/{i:04}" for i in range(1001)]
        for name in names:
            s3_objects.put(name, b"")
        assert [stored.name for stored in s3_objects.list("p/")] == names
