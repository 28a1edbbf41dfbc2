"""Of several writers one makes a file, on file systems with hard links and on those without.

What a file system refuses is refused here in its place: no machine of ours has one without hard links to mount.
"""

import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from semoe.creating import WAYS, create_bytes, way_of_creating
from semoe.errors import UsageError

NAMES = [name for name, _ in WAYS]
REFUSALS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EMLINK, errno.EINVAL)


@pytest.fixture(params=NAMES)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leaves this way and those behind it."""
    left = NAMES.index(request.param)
    if left > 0:
        monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    return str(request.param)


def refusing(number: int):  # type: ignore[no-untyped-def]
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


def test_the_way_is_told_and_leaves_nothing(tmp_path: Path, way: str) -> None:
    assert way_of_creating(tmp_path) == way
    assert not list(tmp_path.iterdir())


def test_one_of_eight_writers_wins_and_readers_see_whole_files(tmp_path: Path, way: str) -> None:
    for number in range(20):
        path = tmp_path / str(number)
        datas = [bytes([writer]) * 5000 for writer in range(8)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda data, path=path: create_bytes(path, data), datas))
        assert sum(won) == 1
        assert path.read_bytes() == datas[won.index(True)]
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(map(str, range(20)))


def test_others_may_read_what_they_may_read_of_any_file(tmp_path: Path, way: str) -> None:
    (tmp_path / "plain").touch()
    assert create_bytes(tmp_path / "new", b"x")
    assert len({path.stat().st_mode for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_whatever_word_a_file_system_has_for_it_links_are_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", refusing(number))
    assert create_bytes(tmp_path / "a" / "b", b"x")
    assert not create_bytes(tmp_path / "a" / "b", b"y")
    assert (tmp_path / "a" / "b").read_bytes() == b"x"


@pytest.mark.parametrize("way", NAMES[-1:], indirect=True)
def test_a_mark_is_waited_for_and_one_of_the_dead_is_taken_away(tmp_path: Path, way: str) -> None:
    mark = tmp_path / ".x.mark"
    mark.touch()
    started = time.monotonic()
    timer = threading.Timer(0.3, mark.unlink)
    timer.start()
    assert create_bytes(tmp_path / "x", b"mine")
    assert time.monotonic() - started >= 0.25
    timer.join()
    (tmp_path / ".y.mark").touch()
    os.utime(tmp_path / ".y.mark", (1, 1))
    assert create_bytes(tmp_path / "y", b"mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "y"]


@pytest.mark.parametrize("way", NAMES[-1:], indirect=True)
def test_who_lost_his_mark_while_he_stood_still_writes_nothing(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His mark is taken for one of the dead, another begins and is done; then he goes on."""
    exists, looks = Path.exists, list[int]()

    def stands_still(path: Path, **more: bool) -> bool:
        found = exists(path, **more)
        looks.append(1)
        if path.name == "x" and len(looks) == 2:  # with the mark in hand, before it is renamed
            (tmp_path / ".x.mark").write_bytes(b"another")
        return found

    monkeypatch.setattr(Path, "exists", stands_still)
    timer = threading.Timer(0.3, lambda: ((tmp_path / "x").write_bytes(b"other"), (tmp_path / ".x.mark").unlink()))
    timer.start()
    assert not create_bytes(tmp_path / "x", b"mine")
    timer.join()
    assert (tmp_path / "x").read_bytes() == b"other"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_that_is_not_there_to_be_written_is_told_of_as_before(tmp_path: Path, way: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="choose another"):
        create_bytes(tmp_path / "file" / "below", b"x")
    with pytest.raises(UsageError, match="choose another"):
        way_of_creating(tmp_path / "file")
