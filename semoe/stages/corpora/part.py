"""One file of a corpus: what it is, where it can be cut, and what reads a range of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from semoe.retrieval.dpr import DPR, Columns
from semoe.retrieval.formats import ARROW, PARQUET
from semoe.retrieval.passage import Passage
from semoe.stages.corpora.arrow import ArrowReader, batch_begins
from semoe.stages.corpora.parquet import ParquetReader, groups_of
from semoe.stages.corpora.places import Place
from semoe.stages.corpora.text import PackedReader, TextReader


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file of a corpus."""

    name: str
    """Below the corpus's folder; empty: the corpus is this file."""
    size: int
    """Bytes."""
    mark: str
    """Another content has another."""
    written: str
    """How: one of `semoe.retrieval.formats`."""
    is_packed: bool = False
    """By gzip."""
    columns: Columns = DPR
    """Of a table."""

    @property
    def is_lines(self) -> bool:
        """Whether it can be cut wherever a record begins; otherwise at its places (`places_of`)."""
        return not self.is_packed and self.written not in (PARQUET, ARROW)


class PartReader(Protocol):
    """Yields the passages of a range of a file."""

    @property
    def end(self) -> int:
        """Where what was read last ended; once all is read, where the next range of the file has to begin."""
        ...

    @property
    def done(self) -> int:
        """How far it has read, in bytes as they are stored."""
        ...

    def __iter__(self) -> Iterator[Passage]:
        """Reads; once."""
        ...


def reader_of(part: Part, place: Place, path: str, start: int, stop: int) -> PartReader:
    """Returns what reads a range of a file.

    Args:
        part: the file.
        place: where it lies.
        path: of the file.
        start: where a record begins, a row group or a batch does; or any byte, then what begins behind it is read.
        stop: bytes from here on begin nothing of the range.
    """
    if part.is_packed:
        return PackedReader(place.open(path, part.size), path, part.written, part.size, start)
    if part.written == PARQUET:
        return ParquetReader(place, path, part.size, start, stop)
    if part.written == ARROW:
        return ArrowReader(place, path, part.size, start, stop)
    return TextReader(place.open(path, part.size, start, stop - start), path, part.written, start, stop, part.columns)


def places_of(part: Part, place: Place, path: str) -> Sequence[int]:
    """Returns the bytes where a file that is no text can be cut; the first is 0.

    Raises:
        UsageError: it is broken, or what reads it is not installed.
    """
    if part.written == PARQUET and not part.is_packed:
        return groups_of(place, path, part.size).begins
    return [0] if part.is_packed else batch_begins(place, path, part.size)
