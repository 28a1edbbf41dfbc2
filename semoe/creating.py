"""A file that only one of several writers can make, whole, on whatever file system the folder lies.

The store's commits stand on it. Hard links do it on the usual file systems, NFS included. Where there are none (exFAT,
SMB shares, mounts through FUSE) a rename that replaces nothing does. Where that is unknown too, a *mark* does: a file
beside it that one writer alone can create, and whoever holds it may rename. Marks begin with a dot, so that what a
killed writer leaves is read by nobody; the next writer takes it away once it is old.
"""

import ctypes
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from semoe.files import written_beside

MARK_SECONDS = 60.0
"""After which a mark's writer is taken for dead: between mark and rename lie two calls."""
_POLL_SECONDS = 0.05
_HERE = -100
_NO_REPLACE = 1


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
        path.unlink(missing_ok=True)


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


def _rename(temporary: Path, path: Path) -> bool:
    """Calls Linux's renameat2, which Python does not have."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None or call(_HERE, os.fsencode(temporary), _HERE, os.fsencode(path), _NO_REPLACE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    return True


def _mark(temporary: Path, path: Path) -> bool:
    """Of those who look at once, one alone makes the mark; it looks again, for another may have been done by then."""
    mark = path.with_name(f".{path.name}.mark")
    written, since = temporary.stat().st_mtime, time.monotonic()
    while not path.exists():
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            # By the file system's clock: this machine's may be wrong.
            _leave_to(mark, written + time.monotonic() - since)
            continue
        try:
            if not path.exists():
                temporary.replace(path)
                return True
        finally:
            mark.unlink(missing_ok=True)
    return False


def _leave_to(mark: Path, now: float) -> None:
    """Waits for the writer who holds a mark, or takes its mark away where it must be dead."""
    with suppress(FileNotFoundError):
        if now - mark.stat().st_mtime > MARK_SECONDS:
            # Renamed first: of several who come to that, one alone goes on.
            taken = mark.with_name(f"{mark.name}.{secrets.token_hex(4)}")
            mark.rename(taken)
            taken.unlink()
    time.sleep(_POLL_SECONDS)


WAYS: tuple[tuple[str, Callable[[Path, Path], bool]], ...] = (
    ("hard links", _link),
    ("renames that replace nothing", _rename),
    ("exclusively created marks", _mark),
)
"""In the order in which they are tried."""
