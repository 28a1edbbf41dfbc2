"""A folder is whole under its name, or not there."""

import tempfile
from pathlib import Path

import pytest

from semoe.store.whole_folder import make_folder


def test_a_folder_is_filled_beside_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename works within one file system alone: the machine's folder for temporary files may be on another."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    make_folder(tmp_path / "a" / "e", lambda folder: (folder / "x").touch())
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["e"]


def test_a_folder_that_could_not_be_filled_leaves_the_former_one(tmp_path: Path) -> None:
    make_folder(tmp_path / "e", lambda folder: (folder / "old").touch())

    def fail(folder: Path) -> None:
        (folder / "new").touch()
        raise ValueError

    with pytest.raises(ValueError):
        make_folder(tmp_path / "e", fail)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["e", "e/old"]
    make_folder(tmp_path / "e", lambda folder: (folder / "new").touch())
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["e", "e/new"]
