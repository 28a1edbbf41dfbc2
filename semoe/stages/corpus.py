"""A corpus of passages, from a file here or an object in S3; what is gzipped is read as it is."""

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from semoe.errors import UsageError
from semoe.retrieval.dpr import parse_passages
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

    @property
    def identity(self) -> str:
        """The same for the same corpus, wherever it lies."""
        return f"{self.path.rpartition('/')[2]}, {self.size} bytes"

    def passages(self, advance: Callable[[float], None] = lambda count: None) -> Iterator[Passage]:
        """Yields the passages; `advance` hears of bytes as they are stored."""
        counted = cast(BinaryIO, io.BufferedReader(_Counted(self.file, advance), 1 << 20))
        raw = cast(BinaryIO, gzip.GzipFile(fileobj=counted)) if self.path.endswith(".gz") else counted
        with self.file, io.TextIOWrapper(raw, encoding="utf-8", newline="") as lines:
            try:
                yield from parse_passages(lines, self.path)
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{self.path} is no UTF-8 text (byte {error.object[error.start]:#04x}). Convert it.",
                    kind="broken-file",
                ) from error


def open_corpus(path: str) -> Corpus:
    """Opens a file, or `s3://bucket/name`.

    Raises:
        UsageError: there is none.
    """
    if "://" not in path:
        if not Path(path).is_file():
            raise UsageError(f"File not found: {path}. Check --data_path.", kind="missing-file")
        return Corpus(path=path, size=Path(path).stat().st_size, file=Path(path).open("rb"))
    place, _, name = path.rpartition("/")
    try:
        file, size = open_object(open_objects(place), name)
    except MissingObjectError as error:
        raise UsageError(f"No object {path}. Check --data_path.", kind="missing-file") from error
    return Corpus(path=path, size=size, file=file)


class _Counted(io.RawIOBase):
    """Tells how much is read."""

    def __init__(self, file: BinaryIO, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        self._advance(len(found))
        return len(found)
