"""Reads files here and objects in S3 by their paths, any range of them; knows nothing of what they hold."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from semoe.errors import UsageError
from semoe.store.objects import MissingObjectError, Objects, open_bucket
from semoe.store.objects.reading import PIECE_BYTES, read_pieces

THREADS = 16
"""Places that are looked at at once: S3 takes its time for each."""
SMALL = 1 << 16
"""Bytes that are read at once of S3, at least."""


class Place(Protocol):
    """Where files lie."""

    def read(self, path: str, start: int, length: int) -> bytes:
        """Returns a range of a file with one call.

        Raises:
            UsageError: it is not there, or may not be read.
        """
        ...

    def open(self, path: str, size: int, start: int = 0, length: int = PIECE_BYTES) -> BinaryIO:
        """Opens a file, to be read from a byte on; about `length` bytes will be."""
        ...


class Disk:
    """Files."""

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Place`."""
        # No more is read than is asked for: a plan looks at a thousand places.
        with readable(path), Path(path).open("rb", buffering=max(2, min(length, io.DEFAULT_BUFFER_SIZE))) as file:
            file.seek(start)
            return file.read(length)

    def open(self, path: str, size: int, start: int = 0, length: int = PIECE_BYTES) -> BinaryIO:
        """See `Place`."""
        with readable(path):
            file = Path(path).open("rb")  # noqa: SIM115  (who asked for it closes it)
        file.seek(start)
        return file


class Bucket:
    """Objects of one bucket, through one client: to make one takes a while."""

    def __init__(self, path: str) -> None:
        self._root = "/".join(path.split("/")[:3])
        self.objects: Objects = open_bucket(self._root)

    def name_of(self, path: str) -> str:
        """Returns a path's name in the bucket."""
        return path.removeprefix(self._root).strip("/")

    def read(self, path: str, start: int, length: int) -> bytes:
        """See `Place`."""
        try:
            return self.objects.get(self.name_of(path), start, length)
        except MissingObjectError as error:
            raise missing(path) from error

    def open(self, path: str, size: int, start: int = 0, length: int = PIECE_BYTES) -> BinaryIO:
        """See `Place`."""
        piece_bytes = max(SMALL, min(PIECE_BYTES, length))
        return read_pieces(self.objects, self.name_of(path), size, start, piece_bytes=piece_bytes)


def place_of(path: str) -> Place:
    """Returns what reads a corpus's files.

    Raises:
        UsageError: an unknown scheme, or S3's package is missing.
    """
    return Bucket(path) if "://" in path else Disk()


def path_of(path: str, name: str) -> str:
    """Returns where a file of a corpus lies; one without a name is the corpus itself."""
    return f"{path.rstrip('/')}/{name}" if name else path


def missing(path: str) -> UsageError:
    """Builds the error for a corpus, or a file of one, that is not there."""
    if "://" in path:
        return UsageError(f"No object {path}. Check the path of the corpus.", kind="missing-file")
    return UsageError(f"File not found: {path}. Check the path of the corpus.", kind="missing-file")


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns the system's refusals to read a file into errors that name it."""
    try:
        yield
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Make it readable.", kind="unreadable") from error


class Ranges(io.RawIOBase):
    """A file that is read here and there: what asks for a range makes one call for it."""

    def __init__(self, place: Place, path: str, size: int) -> None:
        super().__init__()
        self._place = place
        self._path = path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Says so."""
        return True

    def seekable(self) -> bool:
        """Says so."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to a byte."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Returns where it is."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Reads with one call."""
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        found = self._place.read(self._path, self._at, length)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


class Counted(io.RawIOBase):
    """Counts how much is read of a file."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.num_bytes = 0

    def readable(self) -> bool:
        """Says so."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Reads the next bytes."""
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        self.num_bytes += len(found)
        return len(found)

    def close(self) -> None:
        """Closes the file as well."""
        self._file.close()
        super().close()


def counted(file: BinaryIO) -> tuple[BinaryIO, Counted]:
    """Returns a file, buffered, and what counts the bytes that were read of it."""
    counter = Counted(file)
    return cast(BinaryIO, io.BufferedReader(counter, SMALL)), counter
