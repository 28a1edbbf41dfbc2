"""The passages of an Arrow file, as `save_to_disk` of the datasets library or Feather write them, batch by batch.

A file here is mapped: to step over a batch costs nothing, so each is a place where it can be cut. In S3 that would read
the whole: there the file is one place.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from semoe.retrieval.passage import Passage
from semoe.stages.corpora.columns import arrow_errors, columns_of, passages_of
from semoe.stages.corpora.contents import ARROW_MAGIC
from semoe.stages.corpora.places import Disk, Place, Ranges


def batch_begins(place: Place, path: str, size: int) -> Sequence[int]:
    """Returns the bytes where batches begin, as far as a file can be cut there; the first is 0.

    Raises:
        UsageError: the file is broken, or pyarrow is missing.
    """
    if not isinstance(place, Disk):
        return [0]
    return sorted({0, *(begin for begin, _ in _batches(place, path, size))})


def rows_a_byte(place: Place, path: str, size: int) -> float:
    """Returns about how many rows a byte of a file has, from its first batch; errors: `batch_begins`."""
    (_, first), *more = [*islice(_batches(place, path, size), 2)] or [(0, None)]
    if first is None:
        return 0.0
    # In S3 nothing says where the second begins.
    num_bytes = (more[0][0] if more else size) if isinstance(place, Disk) else first.nbytes
    return min(1.0, int(first.num_rows) / max(1, int(num_bytes)))


class ArrowReader:
    """Yields the passages of the batches that begin in a range."""

    def __init__(self, place: Place, path: str, size: int, start: int, stop: int) -> None:
        """Reads nothing yet; the arguments are those of `ParquetReader`."""
        self._place = place
        self._path = path
        self._size = size
        self._start = start
        self._stop = stop
        self.end = start
        """Where the batch that was read last ended."""
        self.done = start
        """How far it has read, in bytes as they are stored."""

    def __iter__(self) -> Iterator[Passage]:
        if not self._start or isinstance(self._place, Disk):
            yield from self._passages()
        else:
            self.end = self._size

    def _passages(self) -> Iterator[Passage]:
        row = 0
        names: list[str] = []
        for begin, batch in _batches(self._place, self._path, self._size):
            if begin >= max(self._start, self._stop):
                self.end = begin
                return
            if begin >= self._start:
                names = names or columns_of(batch.schema.names, self._path)
                yield from passages_of(batch, names, self._path, row)
                self.done = min(self._size, self.done + batch.nbytes)
            row += batch.num_rows
        self.end = self.done = self._size


def _batches(place: Place, path: str, size: int) -> Iterator[tuple[int, Any]]:
    """Yields each batch with the byte where it begins."""
    is_here = isinstance(place, Disk)
    with arrow_errors(path):
        import pyarrow as pa  # noqa: PLC0415  (an extra, and slow to import)

        is_file = place.read(path, 0, len(ARROW_MAGIC)) == ARROW_MAGIC
        source = pa.memory_map(path) if is_here else pa.PythonFile(Ranges(place, path, size), mode="r")
        found = _of_file(pa.ipc.open_file(source), size) if is_file else _of_stream(pa.ipc.open_stream(source), source)
    begin = -1
    while True:
        with arrow_errors(path):
            one = next(found, None)
        if one is None:
            return
        begin = (0 if begin < 0 else one[0]) if is_here else 0
        yield begin, one[1]


def _of_file(file: Any, size: int) -> Iterator[tuple[int, Any]]:
    """A file's footer knows its batches, but does not tell where they are: each has its share of the bytes."""
    count = file.num_record_batches
    return ((size * number // count, file.get_batch(number)) for number in range(count))


def _of_stream(stream: Any, source: Any) -> Iterator[tuple[int, Any]]:
    while True:
        begin = source.tell()
        try:
            yield begin, stream.read_next_batch()
        except StopIteration:
            return
