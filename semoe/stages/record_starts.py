"""Finds places in a corpus where a record begins, without reading what stands before.

After a line's end a record begins, or, in a file with CSV's quotes, a quoted field goes on. Whichever of the two
readings of the next lines makes no sense is wrong. Where both make sense, more is read, and at last the one of plain
records is believed: `settle` in `semoe.runs.corpus` finds out where that was wrong.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from semoe.retrieval.dpr import is_whole
from semoe.retrieval.formats import CSV
from semoe.stages.corpus_range import CorpusFile, reader_of

WINDOW, MOST = 1 << 10, 1 << 15
"""Bytes that are looked at, first and at most."""
THREADS = 16
"""Places that are looked at at once: S3 takes its time for each."""
BELIEVED = 1
"""Records that are believed where both readings make sense."""


def cut_evenly(corpus: CorpusFile, num_shards: int) -> tuple[int, ...]:
    """Returns where ranges of about equal size begin, and at last the corpus's size: one more than there are ranges.

    Args:
        corpus: which.
        num_shards: wanted; where records are long, or no start is found, there are fewer.
    """
    read = reader_of(corpus.path)
    wanted = sorted({corpus.size * number // num_shards for number in range(1, num_shards)} - {0})
    with ThreadPoolExecutor(THREADS) as pool:
        found = set(pool.map(lambda at: record_start(corpus, at, read), wanted))
    return (0, *sorted(one for one in found if one is not None and 0 < one < corpus.size), corpus.size)


def record_start(corpus: CorpusFile, at: int, read: Callable[[int, int], bytes]) -> int | None:
    """Returns where a record begins, at a byte or soon behind it; None where none is found.

    Args:
        corpus: which.
        at: not the first byte.
        read: reads ranges of it.
    """
    window = WINDOW
    while True:
        # One byte before: a record that begins here has a line's end before it.
        data = read(at - 1, window)
        is_rest = at - 1 + len(data) >= corpus.size
        line = data.find(b"\n") + 1
        if line:
            found = _start_in(data[line:], corpus.written, is_rest=is_rest, is_last=window >= MOST)
            if found is not None:
                return at - 1 + line + found
        if is_rest or window >= MOST:
            return None
        window *= 2


def _start_in(data: bytes, written: str, *, is_rest: bool, is_last: bool) -> int | None:
    """Returns where the first record begins in bytes that stand behind a line's end; None where that is not clear."""
    if written != CSV:
        return 0
    outside = _Read(data, "", is_rest)
    inside = _Read(data, '"', is_rest)
    if outside.makes_sense and not inside.makes_sense:
        return 0
    if inside.makes_sense and not outside.makes_sense:
        return inside.ends[0] if inside.ends else None
    return 0 if outside.makes_sense and len(outside.ends) >= BELIEVED and (is_last or not inside.ends) else None


class _Read:
    """Bytes read as records, from outside or from inside a quoted field on."""

    def __init__(self, data: bytes, before: str, is_rest: bool) -> None:
        self.ends: list[int] = []
        """Where records ended."""
        self._taken = 0
        self._is_out = False
        whole = data if is_rest else data[: data.rfind(b"\n") + 1]
        self.makes_sense = self._read(whole, before, is_rest)

    def _read(self, data: bytes, before: str, is_rest: bool) -> bool:
        rows = csv.reader(self._lines(data, before), delimiter="\t", strict=True)
        try:
            for row in rows:
                if not _fits(row, is_tail=bool(before) and not self.ends):
                    return False
                self.ends.append(self._taken)
        except csv.Error:
            # The window's end may stand in a quoted field; the corpus's may not.
            return self._is_out and not is_rest
        except UnicodeDecodeError:
            return False
        return True

    def _lines(self, data: bytes, before: str) -> Iterator[str]:
        for number, line in enumerate(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")):
            self._taken += len(line.encode())
            yield line if number else before + line
        self._is_out = True


def _fits(row: Sequence[str], *, is_tail: bool) -> bool:
    """Whether a row can be a passage, or the end of one."""
    return 1 <= len(row) <= 3 if is_tail else is_whole(list(row))
