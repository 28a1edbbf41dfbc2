"""The passages of a Parquet file: its row groups are the places where it can be cut, and its footer tells of them.

A row group has a place in the file's bytes: that of the bytes before it. The first has 0, and the footer belongs to
the last.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from semoe.retrieval.passage import Passage
from semoe.stages.corpora.columns import arrow_errors, columns_of, passages_of
from semoe.stages.corpora.places import Place, Ranges

BATCH_BYTES = 4 << 20
"""Of texts that are decoded at once, about."""
MOST_ROWS = 4096
AT_ONCE = 32 << 20
"""Bytes of a row group that are fetched at once, where they are no more; otherwise in pieces."""
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Groups:
    """The row groups of a file that have rows."""

    numbers: Sequence[int]
    begins: Sequence[int]
    """Bytes."""
    rows_before: Sequence[int]
    num_rows: int

    @classmethod
    def of(cls, metadata: Any) -> "Groups":
        """Reads them off a footer, as pyarrow has it."""
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        sizes = [sum(one.column(n).total_compressed_size for n in range(one.num_columns)) for one in groups]
        begins, rows = (list(accumulate(of, initial=0)) for of in (sizes, [one.num_rows for one in groups]))
        filled = [number for number, one in enumerate(groups) if one.num_rows]
        return cls(filled, [begins[n] for n in filled], [rows[n] for n in filled], metadata.num_rows)


def groups_of(place: Place, path: str, size: int) -> Groups:
    """Reads a file's footer.

    Raises:
        UsageError: it is broken or has other columns, or pyarrow is missing.
    """
    with arrow_errors(path):
        from pyarrow import parquet  # noqa: PLC0415  (an extra, and slow to import)

        metadata = parquet.read_metadata(Ranges(place, path, size))
        columns_of(metadata.schema.to_arrow_schema().names, path)
        return Groups.of(metadata)


class ParquetReader:
    """Yields the passages of the row groups that begin in a range."""

    def __init__(self, place: Place, path: str, size: int, start: int, stop: int) -> None:
        """Reads nothing yet.

        Args:
            place: where it lies.
            path: of the file.
            size: bytes.
            start: groups before this byte are not of the range.
            stop: nor are those from here on.
        """
        self._place = place
        self._path = path
        self._size = size
        self._start = start
        self._stop = stop
        self.end = start
        """Where the row group that was read last ended."""
        self.done = start
        """How far it has read, in bytes as they are stored."""

    def __iter__(self) -> Iterator[Passage]:
        with arrow_errors(self._path):
            from pyarrow import parquet  # noqa: PLC0415  (an extra, and slow to import)

            source = Ranges(self._place, self._path, self._size)
            metadata = parquet.read_metadata(source)
            groups = Groups.of(metadata)
            names = columns_of(metadata.schema.to_arrow_schema().names, self._path)
            first, last = (bisect_left(groups.begins, at) for at in (self._start, self._stop))
            ends = [*groups.begins[1:], self._size]
            file = _opened(source, metadata)
        for at in range(first, last):
            yield from self._group(file, groups, at, names, ends[at])
            self.end = self.done = ends[at]
        self.end = self.done = [*groups.begins, self._size][max(first, last)]

    def _group(self, file: Any, groups: Groups, at: int, names: list[str], end: int) -> Iterator[Passage]:
        number, begin, row = groups.numbers[at], groups.begins[at], groups.rows_before[at]
        found = file.metadata.row_group(number)
        most = max(1, min(MOST_ROWS, BATCH_BYTES * found.num_rows // max(1, found.total_byte_size)))
        with arrow_errors(self._path):
            batches = file.iter_batches(most, row_groups=[number], columns=names, use_threads=False)
        first_row = row
        while True:
            with arrow_errors(self._path):
                batch = next(batches, None)
            if batch is None:
                return
            yield from passages_of(batch, names, self._path, row)
            row += batch.num_rows
            self.done = begin + (end - begin) * (row - first_row) // found.num_rows


def _opened(source: Ranges, metadata: Any) -> Any:
    from pyarrow import parquet  # noqa: PLC0415  (likewise)

    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    is_small = all(one.total_byte_size <= AT_ONCE for one in groups)
    # Together the wanted columns of a group are one call or two; in pieces they take no more memory than that.
    return parquet.ParquetFile(
        cast(Any, source), metadata=metadata, pre_buffer=is_small, buffer_size=0 if is_small else PIECE_BYTES
    )
