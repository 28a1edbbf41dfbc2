"""Finds places in a corpus where a record begins, without reading what stands before.

In a text, after a line's end a record begins, or, in a file with CSV's quotes, a quoted field goes on. Whichever of
the two readings of the next lines makes no sense is wrong. Where both make sense, more is read, and at last the one of
plain records is believed: `settle` in `semoe.runs.corpus` finds out where that was wrong. Other files tell places.
"""

import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from semoe.errors import UsageError
from semoe.retrieval.dpr import Columns
from semoe.retrieval.formats import CSV
from semoe.retrieval.rows import split_rows
from semoe.stages.corpora.part import Part, places_of
from semoe.stages.corpora.places import THREADS, Place, place_of
from semoe.stages.corpus_range import CorpusFile

WINDOW, MOST = 3 << 9, 1 << 15
"""Bytes that are looked at, first and at most: the first hold a passage of 100 words: from S3 a look is a request."""
BELIEVED = 1
"""Records that are believed where both readings make sense."""


def cut_evenly(corpus: CorpusFile, num_shards: int) -> tuple[int, ...]:
    """Returns where ranges of about equal size begin, and at last the corpus's size: one more than there are ranges.

    Args:
        corpus: which.
        num_shards: wanted; where records or row groups are long, or no start is found, there are fewer.

    Raises:
        UsageError: a file is broken, or what reads it is not installed.
    """
    place = place_of(corpus.path)
    begins = corpus.begins()
    wanted: dict[int, list[int]] = defaultdict(list)
    for number in range(1, num_shards):
        at = corpus.size * number // num_shards
        last = len(begins) - 1
        file = min(last, bisect_left(begins, at + 1) - 1)
        wanted[file].append(at - begins[file])

    def found(task: tuple[int, Sequence[int]]) -> Iterable[int]:
        file, ats = task
        part = corpus.parts[file]
        return [begins[file] + one for one in _starts(part, place, corpus.path_of(part), ats)]

    # Of a text each place is looked at alone; the others know all of theirs at once.
    tasks = [
        (file, some)
        for file, ats in wanted.items()
        for some in ([[at] for at in ats] if corpus.parts[file].is_lines else [ats])
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        starts = {start for some in pool.map(found, tasks) for start in some}
    return (0, *sorted(one for one in starts if 0 < one < corpus.size), corpus.size)


def _starts(part: Part, place: Place, path: str, ats: Sequence[int]) -> Iterator[int]:
    """Yields where the first record, row group or batch begins at some bytes of a file, or soon behind them."""
    if part.is_lines:
        for at in ats:
            # What begins next, where nothing does in this file, is the next one.
            found = record_start(part, place, path, at) if at else 0
            yield part.size if found is None else found
        return
    places = [*places_of(part, place, path), part.size]
    yield from (places[bisect_left(places, at)] for at in ats)


def record_start(part: Part, place: Place, path: str, at: int) -> int | None:
    """Returns where a record of a text begins, at a byte or soon behind it; None where none is found.

    Args:
        part: the file.
        place: where it lies.
        path: of the file.
        at: not the first byte.
    """
    window = WINDOW
    while True:
        # One byte before: a record that begins here has a line's end before it.
        data = place.read(path, at - 1, window)
        is_rest = at - 1 + len(data) >= part.size
        line = data.find(b"\n") + 1
        if line:
            found = _start_in(data[line:], part, is_rest=is_rest, is_last=window >= MOST)
            if found is not None:
                return at - 1 + line + found
        if is_rest or window >= MOST:
            return None
        window *= 2


def _start_in(data: bytes, part: Part, *, is_rest: bool, is_last: bool) -> int | None:
    """Returns where the first record begins in bytes that stand behind a line's end; None where that is not clear."""
    if part.written != CSV:
        return 0
    outside = _Read(data, "", is_rest, part.columns)
    inside = _Read(data, '"', is_rest, part.columns)
    if outside.makes_sense and not inside.makes_sense:
        return 0
    if inside.makes_sense and not outside.makes_sense:
        return inside.ends[0] if inside.ends else None
    return 0 if outside.makes_sense and len(outside.ends) >= BELIEVED and (is_last or not inside.ends) else None


class _Read:
    """Bytes read as records, from outside or from inside a quoted field on."""

    def __init__(self, data: bytes, before: str, is_rest: bool, columns: Columns) -> None:
        self._columns = columns
        self.ends: list[int] = []
        """Where records ended."""
        self._taken = 0
        self._is_out = False
        whole = data if is_rest else data[: data.rfind(b"\n") + 1]
        self.makes_sense = self._read(whole, before, is_rest)

    def _read(self, data: bytes, before: str, is_rest: bool) -> bool:
        try:
            for row in split_rows(self._lines(data, before), "", quoted=True):
                if not self._fits(row.fields, is_tail=bool(before) and not self.ends):
                    return False
                self.ends.append(self._taken)
        except UsageError:
            # The window's end may stand in a quoted field; the corpus's may not.
            return self._is_out and not is_rest
        except UnicodeDecodeError:
            return False
        return True

    def _lines(self, data: bytes, before: str) -> Iterator[str]:
        for number, line in enumerate(io.BytesIO(data)):
            self._taken += len(line)
            yield line.decode() if number else before + line.decode()
        self._is_out = True

    def _fits(self, row: list[str], *, is_tail: bool) -> bool:
        """Whether a row can be a passage, or the end of one."""
        return 1 <= len(row) <= len(self._columns.names) if is_tail else self._columns.is_whole(row)
