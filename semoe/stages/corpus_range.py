"""A corpus as a row of bytes: what it is, and the passages of any range of it.

Its files lie one behind the other, in order of name; each begins where the one before it ends. So a place in a corpus
is one number, whatever its files are: in a text the byte where a record begins, in Parquet that of a row group.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from blake3 import blake3

from semoe.errors import UsageError
from semoe.retrieval.blank import without_blank
from semoe.retrieval.formats import text_format
from semoe.retrieval.passage import Passage
from semoe.stages.corpora.contents import HEAD_BYTES, contents_of
from semoe.stages.corpora.listing import Found, files_of, some_of
from semoe.stages.corpora.part import Part, reader_of
from semoe.stages.corpora.places import THREADS, Place, path_of, place_of

MOST_UNCUT = 512 << 20
"""Bytes of a gzipped file in a folder: all of its passages are one shard's."""
TOLD_BYTES = 1 << 20
CURE = "Give the file as it was then, or plan a run under another name."


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusFile:
    """A corpus: a file or a folder of them, and how their records are written."""

    path: str
    """A file, a folder, or s3://bucket/name of an object or of what lies below it."""
    size: int
    """Bytes, of all files."""
    parts: tuple[Part, ...]
    """The files, in order of name."""

    @classmethod
    def of(cls, path: str, quoting: str = "") -> "CorpusFile":
        """Looks at a corpus that is to be cut.

        Args:
            path: a file or a folder, or s3://bucket/name of one.
            quoting: how its texts are written; empty: as their names and first bytes say.

        Raises:
            UsageError: there is none, it cannot be read, or it is gzipped.
        """
        # Whoever works on it later may do so from another folder.
        found = cls.look(path if "://" in path else str(Path(path).absolute()), quoting)
        for part in found.parts:
            if part.is_packed and (not part.name or part.size > MOST_UNCUT):
                raise UsageError(
                    f"{path_of(path, part.name)}: gzip has no places to begin in, so it cannot be cut into shards. "
                    f"Unpack it (gunzip), or make pieces of it: semoe cut --corpus {path} --to PLACE",
                    kind="not-cut",
                )
        return found

    @classmethod
    def look(cls, path: str, quoting: str = "") -> "CorpusFile":
        """Looks at a corpus that is to be read from its beginning to its end; the arguments are those of `of`.

        Raises:
            UsageError: there is none, or it cannot be read.
        """
        place = place_of(path)
        found = files_of(path, place)
        with ThreadPoolExecutor(THREADS) as pool:
            parts = tuple(pool.map(lambda one: _part(path, one, place, quoting), found))
        size = sum(part.size for part in parts)
        if not size:
            raise UsageError(f"{path} is empty. Download it again.", kind="empty-file")
        return cls(path=path, size=size, parts=parts)

    @property
    def identity(self) -> str:
        """The same for the same corpus, wherever it lies."""
        name = self.path.rstrip("/").rpartition("/")[2]
        if len(self.parts) == 1 and not self.parts[0].name:
            written = self.parts[0].written
            said = "" if written == text_format(self.path) else f", written as {written}"
            return f"{name}, {self.size} bytes{said}"
        return f"{name}, {len(self.parts)} files, {self.size} bytes, {self.mark}"

    @property
    def mark(self) -> str:
        """Another content of a file has another, as has another file."""
        told = "".join(f"{one.name}\n{one.size} {one.mark} {one.written}\n" for one in self.parts)
        return blake3(told.encode()).hexdigest(length=8)

    def begins(self) -> list[int]:
        """Returns where each file begins."""
        return list(accumulate((part.size for part in self.parts[:-1]), initial=0))

    def path_of(self, part: Part) -> str:
        """Returns where a file lies."""
        return path_of(self.path, part.name)

    def require_same(self) -> None:
        """Makes sure that the corpus is the one that was looked at.

        Raises:
            UsageError: it is another now; the message names the files that changed, vanished or were added.
        """
        now = {one.name: (one.size, one.mark) for one in files_of(self.path, place_of(self.path))}
        then = {one.name: (one.size, one.mark) for one in self.parts}
        if now == then:
            return
        raise UsageError(f"{_difference(self.path, then, now)}. {CURE}", kind="other-corpus")


def _difference(path: str, then: dict[str, tuple[int, str]], now: dict[str, tuple[int, str]]) -> str:
    """Names the files of a corpus that are others than they were: size and mark of each, then and now."""
    other = sorted(name for name in now.keys() & then.keys() if now[name] != then[name])
    told = [
        f"{path_of(path, name)} is another file than the run was planned with: {now[name][0]:,} bytes, mark "
        f"{now[name][1]}, instead of {then[name][0]:,} and {then[name][1]}"
        for name in other[:1]
    ]
    for what, names in (
        (f"{path} has other contents too of", other[1:]),
        (f"{path} has lost", sorted(then.keys() - now.keys())),
        (f"{path} has got", sorted(now.keys() - then.keys())),
    ):
        told += [f"{what} {some_of(names)}"] if names else []
    return "; ".join(told)


def _part(path: str, found: Found, place: Place, quoting: str) -> Part:
    where = path_of(path, found.name)
    contents = contents_of(place.read(where, 0, HEAD_BYTES), where, quoting)
    return Part(
        name=found.name,
        size=found.size,
        mark=found.mark,
        written=contents.written,
        is_packed=contents.is_packed,
        columns=contents.columns,
    )


class RangeReader:
    """Yields the passages of a range: those whose records begin in it."""

    def __init__(
        self, corpus: CorpusFile, start: int, stop: int, *, advance: Callable[[float], None] = lambda count: None
    ) -> None:
        """Reads nothing yet.

        Args:
            corpus: which.
            start: the first byte of a record, or of a file.
            stop: bytes from here on begin no record of the range.
            advance: hears of bytes, as they are stored, that were read.
        """
        self._corpus = corpus
        self.start = start
        self._stop = stop
        self._advance = advance
        self._told = start
        self.end = start
        """Where the record that was read last ended; once all is read, where the next range has to begin."""

    def __iter__(self) -> Iterator[Passage]:
        return without_blank(self._passages(), self._corpus.path)

    def _passages(self) -> Iterator[Passage]:
        place = place_of(self._corpus.path)
        for base, part in zip(self._corpus.begins(), self._corpus.parts, strict=True):
            if self.end >= self._stop:
                return
            if self.end < base + part.size:
                yield from self._part(part, place, base)

    def _part(self, part: Part, place: Place, base: int) -> Iterator[Passage]:
        stop = min(part.size, self._stop - base)
        reader = reader_of(part, place, self._corpus.path_of(part), self.end - base, stop)
        for passage in reader:
            self.end = base + reader.end
            self._tell(base + reader.done, TOLD_BYTES)
            yield passage
        self.end = base + reader.end
        self._tell(base + max(reader.done, reader.end), 1)

    def _tell(self, done: int, least: int) -> None:
        if done - self._told >= least:
            self._advance(done - self._told)
            self._told = done
