"""Reckons how many passages the ranges of a corpus have, from a few places: nobody has read it yet.

A text says it by the length of some records, Parquet by its footers. Each way of writing has a rate of its own.
"""

import io
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, islice, pairwise
from typing import NamedTuple

from semoe.errors import UsageError
from semoe.retrieval.formats import PARQUET
from semoe.stages.corpora.arrow import rows_a_byte
from semoe.stages.corpora.parquet import groups_of
from semoe.stages.corpora.part import Part
from semoe.stages.corpora.places import Place, place_of
from semoe.stages.corpora.text import PackedReader, TextReader
from semoe.stages.corpus_range import CorpusFile, RangeReader

SAMPLE = 1 << 14
"""Bytes of a text at each place."""
PASSAGES = 1024
"""Of a gzipped file, at most."""
PLACES = 8


class Way(NamedTuple):
    """How a file is written."""

    written: str
    is_packed: bool

    @classmethod
    def of(cls, part: Part) -> "Way":
        """Returns a file's."""
        return cls(part.written, part.is_packed)


def require_passages(corpus: CorpusFile) -> None:
    """Makes sure that a corpus begins with something to read.

    Raises:
        UsageError: it holds no passages, or what it begins with is none.
    """
    first = corpus.parts[0]
    if first.written == PARQUET and groups_of(place_of(corpus.path), corpus.path_of(first), first.size).num_rows:
        return
    # The first record alone, where it says anything: from S3 a long range would bring megabytes.
    for stop in (1, 1 << 20, corpus.size):
        if list(islice(RangeReader(corpus, 0, stop), 1)):
            return
    raise UsageError(f"{corpus.path} holds no passages. Check --corpus.", kind="empty-file")


def num_passages_in(corpus: CorpusFile, bounds: Sequence[int]) -> list[int]:
    """Returns about how many passages each range has.

    Args:
        corpus: which.
        bounds: where the ranges begin, and at last the corpus's size.

    Raises:
        UsageError: a file is broken, or what reads it is not installed.
    """
    rates = _rates(corpus, bounds)
    begins = corpus.begins()
    of_part = [rates[Way.of(part)] for part in corpus.parts]
    before = list(accumulate((part.size * rate for part, rate in zip(corpus.parts, of_part, strict=True)), initial=0.0))

    def up_to(at: int) -> float:
        file = bisect_right(begins, at) - 1
        return before[file] + (at - begins[file]) * of_part[file]

    return [round(up_to(stop) - up_to(start)) for start, stop in pairwise(bounds)]


def _rates(corpus: CorpusFile, bounds: Sequence[int]) -> dict[Way, float]:
    """Returns passages a byte, for each way of writing."""
    place = place_of(corpus.path)
    spots: dict[Way, list[tuple[Part, int]]] = defaultdict(list)
    for base, part in zip(corpus.begins(), corpus.parts, strict=True):
        within = (
            bounds[bisect_right(bounds, base) : bisect_right(bounds, base + part.size - 1)] if part.is_lines else ()
        )
        spots[Way.of(part)] += [(part, at) for at in (0, *(one - base for one in within)) if part.size]
    rates = {}
    for way, some in spots.items():
        found = [_rate(part, place, corpus.path_of(part), at) for part, at in some[:: max(1, len(some) // PLACES)]]
        rates[way] = sum(found) / len(found) if found else 0.0
    return rates


def _rate(part: Part, place: Place, path: str, at: int) -> float:
    if part.is_packed:
        packed = PackedReader(place.open(path, part.size, 0, SAMPLE), path, part.written, part.size)
        count = len(list(islice(packed, PASSAGES)))
        return count / max(1, packed.done)
    if part.written == PARQUET:
        return groups_of(place, path, part.size).num_rows / part.size
    if not part.is_lines:
        return rows_a_byte(place, path, part.size)
    return _rate_of_text(TextReader(io.BytesIO(place.read(path, at, SAMPLE)), path, part.written, at))


def _rate_of_text(reader: TextReader) -> float:
    start = end = reader.end
    count = 0
    # The sample's end may stand in a record, and so may its beginning.
    with suppress(UsageError):
        for _ in reader:
            count += 1
            end = reader.end
    return count / (end - start) if count else 1 / SAMPLE
