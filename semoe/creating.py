"""A file that only one of several writers can make, whole, on whatever file system the folder lies.

The store's commits stand on it. Hard links do it on the usual file systems, NFS included. Where there are none (exFAT,
SMB shares, mounts through FUSE) a *mark* does: a file beside it that one writer alone can create, and whoever holds it
may rename. Linux's rename that replaces nothing would not do: SMB's client takes the flag and does not tell the server.
Marks begin with a dot, so that what a killed writer leaves is read by nobody; the next writer takes it away once it is
old.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from semoe.files import written_beside

MARK_SECONDS = 60.0
"""After which a mark's writer is taken for dead: between mark and rename lie two calls."""
_POLL_SECONDS = 0.05


def create_bytes(path: Path, data: bytes) -> bool:
    """Writes `data` to `path` only where nothing is, whole or not at all; False where another was first.

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
    """
    return _created(path, data)[0]


def way_of_creating(folder: Path) -> str:
    """Returns in which way `create_bytes` works in a folder; it tries, and leaves nothing behind.

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
    """
    path = folder / secrets.token_hex(8)
    try:
        return _created(path, b"")[1]
    finally:
        with suppress(OSError):  # what is wrong with the folder was said
            path.unlink()


def _created(path: Path, data: bytes) -> tuple[bool, str]:
    *others, (last_name, last) = WAYS
    with written_beside(path, data) as temporary:
        for name, way in others:
            try:
                return way(temporary, path), name
            except FileExistsError:
                return False, name
            except OSError:
                # File systems refuse in many words what they cannot do; what is wrong besides, the last way tells.
                continue
        return last(temporary, path), last_name


def _link(temporary: Path, path: Path) -> bool:
    path.hardlink_to(temporary)
    return True


def _mark(temporary: Path, path: Path) -> bool:
    """Of those who look at once, one alone makes the mark; it looks again, for another may have been done by then."""
    mark = path.with_name(f".{path.name}.mark")
    written, since = temporary.stat().st_mtime, time.monotonic()
    while not path.exists():
        mine = secrets.token_bytes(8)
        try:
            with mark.open("xb") as file:
                file.write(mine)
        except FileExistsError:
            # By the file system's clock: this machine's may be wrong.
            _leave_to(mark, written + time.monotonic() - since)
            continue
        try:
            # Who stood still for long has lost it to another.
            if not path.exists() and _holds(mark, mine):
                temporary.replace(path)
                return True
        finally:
            if _holds(mark, mine):
                mark.unlink(missing_ok=True)
    return False


def _holds(mark: Path, mine: bytes) -> bool:
    with suppress(OSError):
        return mark.read_bytes() == mine
    return False


def _leave_to(mark: Path, now: float) -> None:
    """Waits for the writer who holds a mark, or takes its mark away where it must be dead."""
    with suppress(FileNotFoundError):
        if now - mark.stat().st_mtime > MARK_SECONDS:
            old = mark.read_bytes()
            taken = mark.with_name(f"{mark.name}.{secrets.token_hex(4)}")
            mark.rename(taken)
            # Another may have taken the old one away meanwhile, and begun: then this is his.
            if taken.read_bytes() == old:
                taken.unlink()
            else:
                taken.rename(mark)
    time.sleep(_POLL_SECONDS)


WAYS: tuple[tuple[str, Callable[[Path, Path], bool]], ...] = (
    ("hard links", _link),
    ("exclusively created marks", _mark),
)
"""In the order in which they are tried."""
