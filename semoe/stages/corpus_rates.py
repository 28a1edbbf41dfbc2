"""Reckons how many passages the ranges of a corpus have, from a few places: nobody has read it yet.

A text says it by the length of some records, Parquet by its footers. Each way of writing has a rate of its own.
"""

import io
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import accumulate, islice, pairwise
from typing import NamedTuple

from semoe.errors import UsageError
from semoe.retrieval.formats import ARROW, PARQUET
from semoe.stages.corpora.arrow import rows_a_byte
from semoe.stages.corpora.contents import unpacked
from semoe.stages.corpora.parquet import groups_of
from semoe.stages.corpora.part import Part
from semoe.stages.corpora.places import Place, place_of
from semoe.stages.corpora.text import TextReader
from semoe.stages.corpus_range import CorpusFile, RangeReader

SAMPLE = 1 << 14
"""Bytes of a text at each place."""
PLACES = 16
WHOLE = PLACES * SAMPLE
"""A text of so many bytes is read whole."""
PACKED = 1 << 16
"""Bytes that are read of a gzipped text: they may unpack to a thousand times as many."""


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


class Rate(NamedTuple):
    """Passages a byte, as some places say."""

    mean: float
    error: float
    """Relative: a 95 % interval reaches so far to both sides."""

    @classmethod
    def of(cls, found: Sequence[float], stands_for: Sequence[float], *, is_whole: bool) -> "Rate":
        """Returns what some places say.

        Args:
            found: at each.
            stands_for: how many bytes each place speaks for.
            is_whole: together they are all that there is.
        """
        weights = [one / sum(stands_for) for one in stands_for]
        mean = sum(one * weight for one, weight in zip(found, weights, strict=True))
        if is_whole or not mean:
            return cls(mean, 0.0)
        num_others = 1 / sum(weight**2 for weight in weights) - 1
        # One place says nothing of others.
        if num_others < 0.5:
            return cls(mean, 1.0)
        variance = sum(weight * (one - mean) ** 2 for one, weight in zip(found, weights, strict=True))
        return cls(mean, min(1.0, _student(num_others) * math.sqrt(variance / num_others) / mean))


def _student(degrees: float) -> float:
    """Returns how many standard errors a 95 % interval has, within 3 % of Student's t."""
    return 1.96 + 2.4 / degrees + 8.35 / degrees**3


def num_passages_in(corpus: CorpusFile, bounds: Sequence[int]) -> tuple[list[int], float]:
    """Returns about how many passages each range has, and the relative error of their sum.

    Args:
        corpus: which.
        bounds: where the ranges begin, and at last the corpus's size.

    Raises:
        UsageError: a file is broken, or what reads it is not installed.
    """
    rates = _rates(corpus, bounds)
    begins = corpus.begins()
    of_part = [rates[Way.of(part)].mean for part in corpus.parts]
    before = list(accumulate((part.size * rate for part, rate in zip(corpus.parts, of_part, strict=True)), initial=0.0))

    def up_to(at: int) -> float:
        file = bisect_right(begins, at) - 1
        return before[file] + (at - begins[file]) * of_part[file]

    # Added, not as squares: places of one way of writing may all be unlike the rest of it.
    off = sum(part.size * rate.mean * rate.error for part in corpus.parts for rate in (rates[Way.of(part)],))
    return [round(up_to(stop)) - round(up_to(start)) for start, stop in pairwise(bounds)], off / max(1e-9, before[-1])


def _rates(corpus: CorpusFile, bounds: Sequence[int]) -> dict[Way, Rate]:
    """Returns passages a byte, for each way of writing."""
    place = place_of(corpus.path)
    spots: dict[Way, list[tuple[Part, int]]] = defaultdict(list)
    for base, part in zip(corpus.begins(), corpus.parts, strict=True):
        within = (
            bounds[bisect_right(bounds, base) : bisect_right(bounds, base + part.size - 1)]
            if part.is_lines and part.size > WHOLE
            else ()
        )
        spots[Way.of(part)] += [(part, at) for at in (0, *(one - base for one in within)) if part.size]
    rates = {}
    for way, some in spots.items():
        looked_at = some[:: max(1, len(some) // PLACES)]
        with ThreadPoolExecutor(PLACES) as pool:
            found = list(pool.map(lambda spot: _rate(spot[0], place, corpus.path_of(spot[0]), spot[1]), looked_at))
        # A footer tells all of its file, a small text is read whole.
        is_text = way.is_packed or way.written not in (PARQUET, ARROW)
        is_whole = looked_at == some and (not is_text or all(part.size <= _read_whole(way) for part, _ in some))
        spots_of = Counter(part.name for part, _ in looked_at)
        rates[way] = Rate.of(found, [part.size / spots_of[part.name] for part, _ in looked_at], is_whole=is_whole)
    return rates


def _read_whole(way: Way) -> int:
    return PACKED if way.is_packed else WHOLE


def _rate(part: Part, place: Place, path: str, at: int) -> float:
    if part.is_packed:
        data = place.read(path, 0, PACKED)
        text = unpacked(data, path)
        return _rate_of_text(TextReader(io.BytesIO(text), path, part.written)) * len(text) / len(data)
    if part.written == PARQUET:
        return groups_of(place, path, part.size).num_rows / part.size
    if not part.is_lines:
        return rows_a_byte(place, path, part.size)
    data = place.read(path, at, part.size if part.size <= WHOLE else SAMPLE)
    return _rate_of_text(TextReader(io.BytesIO(data), path, part.written, at, columns=part.columns))


def _rate_of_text(reader: TextReader) -> float:
    start = end = reader.end
    count = 0
    # The sample's end may stand in a record, and so may its beginning.
    with suppress(UsageError):
        for _ in reader:
            count += 1
            end = reader.end
    return count / (end - start) if count else 1 / SAMPLE
