"""A corpus as bytes: what it is, any range of it, and the passages of a range.

Tab-separated files and JSON Lines can be read from any record on. Gzip cannot: a range of it is the whole.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from blake3 import blake3

from semoe.errors import UsageError
from semoe.retrieval.formats import format_of, parsed
from semoe.retrieval.passage import Passage
from semoe.stages.corpus import Counted, open_corpus
from semoe.store.objects import Objects, open_objects
from semoe.store.objects.reading import PIECE_BYTES, open_object

ENDS = 1 << 12
"""Bytes at both ends of a corpus that its mark is made of."""
SMALL = 1 << 16
"""Bytes that are read at once of S3, at least."""
CURE = "Give the file as it was then, or plan a run under another name."


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusFile:
    """A corpus, and how its records are written."""

    path: str
    """A file, or s3://bucket/name."""
    size: int
    """Bytes."""
    mark: str
    """Of its ends: another corpus under the same name has another."""
    written: str
    """How: one of `semoe.retrieval.formats`."""

    @classmethod
    def of(cls, path: str, quoting: str = "") -> "CorpusFile":
        """Looks at a corpus.

        Args:
            path: a file, or s3://bucket/name.
            quoting: how it is written; empty: as its name says.

        Raises:
            UsageError: there is none, or it is gzipped.
        """
        if path.endswith(".gz"):
            raise UsageError(
                f"{path}: gzip has no places to begin in, so it cannot be cut into shards. Unpack it (gunzip), and "
                "give the file.",
                kind="not-cut",
            )
        corpus = open_corpus(path)
        corpus.file.close()
        if not corpus.size:
            raise UsageError(f"{path} is empty. Download it again.", kind="empty-file")
        # Whoever works on it later may do so from another folder.
        path = path if "://" in path else str(Path(path).absolute())
        ends = bytes_of(path, 0, ENDS) + bytes_of(path, max(0, corpus.size - ENDS), ENDS)
        return cls(path=path, size=corpus.size, mark=blake3(ends).hexdigest(length=8), written=format_of(path, quoting))

    def require_same(self) -> None:
        """Makes sure that the corpus is the one that was looked at.

        Raises:
            UsageError: it is another now.
        """
        now = CorpusFile.of(self.path, self.written)
        if now != self:
            raise UsageError(
                f"{self.path} is another file than the run was planned with: {now.size:,} bytes, mark {now.mark}, "
                f"instead of {self.size:,} and {self.mark}. {CURE}",
                kind="other-corpus",
            )


def bytes_of(path: str, start: int, length: int) -> bytes:
    """Reads a range of a corpus with one call."""
    return reader_of(path)(start, length)


def reader_of(path: str) -> Callable[[int, int], bytes]:
    """Returns what reads ranges of a corpus (start, length): to read many, for a client of S3 takes a while to make."""
    if "://" in path:
        objects, name = _object(path)
        return lambda start, length: objects.get(name, start, length)

    def read(start: int, length: int) -> bytes:
        with Path(path).open("rb") as file:
            file.seek(start)
            return file.read(length)

    return read


class RangeReader:
    """Yields the passages of a range: those whose records begin in it."""

    def __init__(self, corpus: CorpusFile, start: int, stop: int, *, most_bytes: int | None = None) -> None:
        """Reads nothing yet.

        Args:
            corpus: which.
            start: the first byte of a record, or 0.
            stop: bytes from here on begin no record of the range.
            most_bytes: read so many alone, with one call, whatever stands at their end; None: all.
        """
        self._corpus = corpus
        self.start = start
        self._stop = stop
        self._most_bytes = most_bytes
        self.end = start
        """Where the record that was read last ended."""

    def __iter__(self) -> Iterator[Passage]:
        with io.TextIOWrapper(self._opened(), encoding="utf-8", newline="") as lines:
            yield from self._passages(self._counted(lines))

    def _opened(self) -> BinaryIO:
        if self._most_bytes is None:
            return _opened(self._corpus, self.start, self._stop - self.start)
        return io.BytesIO(bytes_of(self._corpus.path, self.start, self._most_bytes))

    def _passages(self, lines: Iterable[str]) -> Iterator[Passage]:
        where = self._corpus.path + (f", from byte {self.start}" if self.start else "")
        found = parsed(lines, where, self._corpus.written, header=not self.start)
        while self.end < self._stop:
            try:
                passage = next(found, None)
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{where}: no UTF-8 text (byte {error.object[error.start]:#04x}). Convert it.", kind="broken-file"
                ) from error
            if passage is None:
                return
            yield passage

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.end += len(line.encode())
            yield line.removeprefix("\ufeff") if self.end == len(line.encode()) else line


def _opened(corpus: CorpusFile, start: int, length: int) -> BinaryIO:
    if "://" in corpus.path:
        objects, name = _object(corpus.path)
        pieces, _ = open_object(objects, name, start, piece_bytes=max(SMALL, min(PIECE_BYTES, length)))
        return cast(BinaryIO, io.BufferedReader(Counted(pieces, lambda count: None), SMALL))
    file = Path(corpus.path).open("rb")  # noqa: SIM115  (the reader closes it)
    file.seek(start)
    return file


def _object(path: str) -> tuple[Objects, str]:
    place, _, name = path.rpartition("/")
    return open_objects(place), name
