"""A corpus of passages, from a file here or an object in S3; what is gzipped is read as it is."""

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from semoe.errors import UsageError
from semoe.retrieval.dpr import at_least_one
from semoe.retrieval.formats import CSV, format_of, parsed
from semoe.retrieval.passage import Passage
from semoe.store.objects import MissingObjectError, open_objects
from semoe.store.objects.reading import open_object


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """Where passages come from."""

    path: str
    size: int
    """Bytes, as they are stored."""
    file: BinaryIO
    written: str = CSV
    """How: one of `semoe.retrieval.formats`."""

    @property
    def identity(self) -> str:
        """The same for the same corpus, wherever it lies."""
        said = "" if self.written == format_of(self.path) else f", written as {self.written}"
        return f"{self.path.rpartition('/')[2]}, {self.size} bytes{said}"

    def passages(self, advance: Callable[[float], None] = lambda count: None) -> Iterator[Passage]:
        """Yields the passages; `advance` hears of bytes as they are stored."""
        counted = cast(BinaryIO, io.BufferedReader(Counted(self.file, advance), 1 << 20))
        raw = cast(BinaryIO, gzip.GzipFile(fileobj=counted)) if self.path.endswith(".gz") else counted
        with self.file, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines:
            try:
                yield from at_least_one(parsed(lines, self.path, self.written), self.path)
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{self.path} is no UTF-8 text (byte {error.object[error.start]:#04x}). Convert it.",
                    kind="broken-file",
                ) from error


def open_corpus(path: str, quoting: str = "") -> Corpus:
    """Opens a file, or `s3://bucket/name`.

    Args:
        path: of the corpus; may be gzipped.
        quoting: how it is written (`semoe.retrieval.formats`); empty: as its name says.

    Raises:
        UsageError: there is none.
    """
    written = format_of(path, quoting)
    if "://" not in path:
        if not Path(path).is_file():
            raise UsageError(f"File not found: {path}. Check --data_path.", kind="missing-file")
        return Corpus(path=path, size=Path(path).stat().st_size, file=Path(path).open("rb"), written=written)
    place, _, name = path.rpartition("/")
    try:
        file, size = open_object(open_objects(place), name)
    except MissingObjectError as error:
        raise UsageError(f"No object {path}. Check --data_path.", kind="missing-file") from error
    return Corpus(path=path, size=size, file=file, written=written)


class Counted(io.RawIOBase):
    """Tells how much is read; reads through a file's buffer, past which `TextIOWrapper` would read small pieces."""

    def __init__(self, file: BinaryIO, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        """Says so."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Reads the next bytes."""
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        self._advance(len(found))
        return len(found)
