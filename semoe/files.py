"""Files that are whole or absent: atomic writes, and reads that say which line is broken.

Everything in SEMOE that writes a file calls this module, so that a crash, Ctrl-C or full disk never leaves
half a file under its final name.
"""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from semoe.errors import TransientError, UsageError

PIECE_BYTES = 1 << 20
_UMASK = os.umask(0)
os.umask(_UMASK)
_NOT_THERE = "the file system cannot do this: choose a folder on another one"
_CURES = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the quota is used up: free some space and run the same command again",
    errno.EACCES: "the folder is not writable: choose another one or change its permissions",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder: choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder: choose another folder",
    errno.EPERM: _NOT_THERE,
    errno.ENOSYS: _NOT_THERE,
    errno.EOPNOTSUPP: _NOT_THERE,
}


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Turns the operating system's refusals about `path` into errors that say what to do."""
    try:
        yield
    except OSError as error:
        cure = _CURES.get(error.errno or 0, "see the reason given")
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind = TransientError if full else UsageError
        raise kind(f"Cannot write {path}: {error.strerror}; {cure}.", kind="unwritable") from error


def require_there(path: str | Path, option: str) -> None:
    """Makes sure that a file or folder of this machine is there, before whoever reads it is loaded; s3://… may be.

    Raises:
        UsageError: it is not; the message names the option that gave it.
    """
    if not str(path).strip():
        raise UsageError(f"{option} is empty. Give it a file or a folder.", kind="missing-file")
    if "://" not in str(path) and not Path(path).exists():
        raise UsageError(f"File not found: {path}. Check {option}.", kind="missing-file")


def write_bytes(path: Path, *data: bytes) -> None:
    """Writes the parts of `data` to `path`, whole or not at all (temporary file, fsync, rename), making its folders.

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
    """
    with written_beside(path, *data) as temporary:
        temporary.replace(path)


@contextmanager
def written_beside(path: Path, *data: bytes) -> Iterator[Path]:
    """Gives a temporary sibling that holds `data` safely on disk; what is left of it afterwards goes.

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
    """
    with os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb", buffering=0) as file:
                # A temporary file is its owner's alone; others may read what they may read of any file made here.
                # Mounts that have no modes refuse the question, and lose nothing by it.
                with suppress(OSError):
                    os.fchmod(handle, 0o666 & ~_UMASK)
                for part in data:
                    _write_all(file, memoryview(part))
                os.fsync(file.fileno())
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _write_all(file: io.FileIO, data: memoryview) -> None:
    """Writes in pieces that stay in the processor's cache: five times as fast as at once, measured with 64 MiB."""
    while data:
        data = data[file.write(data[:PIECE_BYTES]) :]


def write_text(path: Path, text: str) -> None:
    """Writes `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as JSON with two spaces of indent, whole or not at all."""
    write_bytes(path, orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def read_text(path: Path) -> str:
    """Reads UTF-8 text.

    Raises:
        UsageError: the file is missing, empty, a folder, or not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"File not found: {path}. Check the path.", kind="missing-file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}. Convert it first.", kind="broken-file") from error
    except OSError as error:
        cure = "Give a file in it." if path.is_dir() else "Make it readable, or give another."
        raise UsageError(f"Cannot read {path}: {error.strerror}. {cure}", kind="unreadable-file") from error
    if not text.strip():
        raise UsageError(f"{path} is empty. Download or make it again.", kind="empty-file")
    return text


def read_json(path: Path) -> Any:
    """Reads one JSON value.

    Raises:
        UsageError: the file is missing, empty, or broken; the message names the line.
    """
    return parse_json(read_text(path).removeprefix("\ufeff"), path, first_line=1)


def read_json_lines(path: Path) -> list[Any]:
    """Reads one JSON value a line, skipping blank lines; the error of a broken line names its number."""
    lines = read_text(path).split("\n")
    return [parse_json(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]


def parse_json(text: str, path: Path, first_line: int) -> Any:
    """Parses `text`, which starts at line `first_line` of `path`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise UsageError(
            f"{path}, line {line}, column {error.colno}: broken JSON ({error.msg}). Repair or download it again.",
            kind="broken-json",
        ) from error
