"""A corpus of passages, read from its beginning to its end: a file or a folder, here or in S3; gzipped as it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from semoe.retrieval.blank import at_least_one
from semoe.retrieval.passage import Passage
from semoe.stages.corpus_range import CorpusFile, RangeReader


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where passages come from."""

    file: CorpusFile

    @property
    def size(self) -> int:
        """Bytes, as they are stored."""
        return self.file.size

    @property
    def identity(self) -> str:
        """The same for the same corpus, wherever it lies."""
        return self.file.identity

    def passages(self, advance: Callable[[float], None] = lambda count: None) -> Iterator[Passage]:
        """Yields the passages; `advance` hears of bytes as they are stored.

        Raises:
            UsageError: there is none, or what is no passage; the message has file, line and cure.
            TransientError: the store does not answer.
        """
        return at_least_one(RangeReader(self.file, 0, self.file.size, advance=advance), self.file.path)


def open_corpus(path: str, quoting: str = "") -> Corpus:
    """Looks at a corpus.

    Args:
        path: a file or a folder, or `s3://bucket/name` of one; files may be gzipped.
        quoting: how its texts are written (`semoe.retrieval.formats`); empty: as their names and first bytes say.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    return Corpus(CorpusFile.look(path, quoting))
