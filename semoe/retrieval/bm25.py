"""Embedded BM25: an index in a folder, memory-mapped, no server.

Title and text are searched together, with English stop words and the Snowball stemmer; k1 1.2 and b 0.75, Lucene's
formula. An index is built under a temporary name and renamed, so one that can be opened is whole.
"""

import heapq
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import Stemmer
from numpy.typing import NDArray

from semoe.errors import UsageError
from semoe.files import os_errors, read_json, write_json
from semoe.retrieval.bm25s_alone import library
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.passage_file import PassageFile, format_of, id_order, searched, store_passages

FORMAT = 2
WORDS = r"(?u)\b\w\w+\b|(?<!\w['’])\b\w\b"
"""Words of one character count ("vitamin C", "Apollo 8"), but for "a" and what ends a possessive ("Jokela's")."""
SETTINGS = {
    "format": FORMAT,
    "k1": 1.2,
    "b": 0.75,
    "stemmer": "english",
    "stop_words": "en",
    "fields": "title text",
    "words": WORDS,
}
TELLING_WORDS = ("international", "internal", "interval", "skis", "generously", "university", "dying")
"""The stemmer `english` is another one from release to release (3.1.0 has "internat", 3.0.0 had "intern")."""
ABOUT = "index.json"
SCORED_BYTES = 32 << 20
"""Scores that are looked at together: of some hundred queries over a small corpus, of one over a large one."""
BLOCK = 128
"""Passages whose highest score is looked at in place of theirs."""


def build_index(passages: Iterable[Passage], folder: Path) -> int:
    """Builds an index of all passages, replacing an older one; returns how many there are.

    Raises:
        UsageError: the folder cannot be written.
    """
    with os_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            texts = [searched(passage) for passage in store_passages(passages, temporary)]
            index = library().BM25(k1=SETTINGS["k1"], b=SETTINGS["b"], method="lucene")
            index.index(_tokens(texts), show_progress=False)
            index.save(temporary / "bm25")
            write_json(temporary / ABOUT, SETTINGS | {"stems": _stems(), "num_passages": len(texts)})
            # mkdtemp shuts out all other users; an index is there for them too.
            temporary.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return len(texts)


def is_index(folder: Path) -> bool:
    """Whether a folder is an index of this version's format."""
    return (folder / "bm25").exists() and format_of(folder / ABOUT) == FORMAT


def _others(folder: Path) -> str:
    """Says which indexes are beside a folder that is none, or how one is made."""
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    names = sorted(one.name for one in beside if (one / ABOUT).exists())
    return f"There are: {', '.join(names)}. Choose with --index_name." if names else "Run `semoe index` first."


class Bm25Retriever:
    """A `Retriever` over an index folder; texts are read from disk when they are found."""

    def __init__(self, folder: Path) -> None:
        if not (folder / ABOUT).exists():
            raise UsageError(f"No index in {folder}. {_others(folder)}", kind="missing-index")
        about = read_json(folder / ABOUT)
        if about.get("format") != FORMAT:
            raise UsageError(
                f"{folder} has index format {about.get('format')}, not {FORMAT}. Index again.", kind="index"
            )
        # An index of before this was written down is taken as it is.
        if about.get("stems", _stems()) != _stems():
            raise UsageError(
                f"{folder} was made with another release of PyStemmer, which stems words otherwise: some would not be "
                "found. Index again, or install the release that made it.",
                kind="index",
            )
        self.num_passages = int(about["num_passages"])
        self._index = library().BM25.load(folder / "bm25", mmap=True)
        for name in ("data", "indices", "indptr"):
            # Plain arrays in the same map: a search slices them twice a word, which a memmap does slowly.
            self._index.scores[name] = self._index.scores[name].view(np.ndarray)
        self._passages = PassageFile(folder)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        tokens = _tokens(list(queries), return_ids=False)
        # Together as far as memory allows: each of numpy's calls lets other threads have Python's interpreter, and has
        # it again milliseconds later.
        size = max(1, SCORED_BYTES // max(1, 4 * self.num_passages))
        parts = [tokens[start : start + size] for start in range(0, len(tokens), size)]
        return [found for part in parts for found in self._search(part, k)]

    def _search(self, tokens: Sequence[list[str]], k: int) -> list[list[Retrieved]]:
        scores_QN = np.stack([self._scores(own) for own in tokens])
        hits: list[list[tuple[float, int]]] = [[] for _ in tokens]
        # In one array behind the other, which numpy looks through faster than by rows and columns.
        places = np.flatnonzero((scores_QN >= _lower_bounds(scores_QN, k)) & (scores_QN > 0))
        for place, score in zip(places.tolist(), scores_QN.ravel()[places].tolist(), strict=True):
            query, row = divmod(place, self.num_passages)
            hits[query].append((score, row))
        return [self._best(own, k) for own in hits]

    def _best(self, hits: list[tuple[float, int]], k: int) -> list[Retrieved]:
        """Returns the best k; all as good as the k-th compete, so that ties are settled by id, not by a sort."""
        least = min(heapq.nlargest(k, (score for score, _ in hits)), default=0.0)
        return _ranked([(self._passages[row], score) for score, row in hits if score >= least], k)

    def _scores(self, tokens: list[str]) -> NDArray[np.float32]:
        """Returns the score of every passage for the words of a query."""
        known = self._index.get_tokens_ids(tokens)
        if not known:
            return np.zeros(self.num_passages, np.float32)
        return np.asarray(self._index.get_scores_from_ids(known), np.float32)


def _lower_bounds(scores_QN: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """Returns for each query, [Q, 1], a score that its k-th best passage has at least.

    That is the k-th highest of the maxima of blocks: one pass, where to look for the k-th best itself takes ten.
    """
    num_queries, num_passages = scores_QN.shape
    size = max(1, min(BLOCK, num_passages // k))
    whole = num_passages // size * size
    maxima_QB = scores_QN[:, :whole].reshape(num_queries, -1, size).max(axis=2)
    if maxima_QB.shape[1] < k:
        return np.zeros((num_queries, 1), np.float32)
    return np.partition(maxima_QB, -k, axis=1)[:, -k, None]


def _ranked(found: list[tuple[Passage, float]], k: int) -> list[Retrieved]:
    found.sort(key=lambda hit: (-hit[1], id_order(hit[0].id)))
    return [Retrieved(passage, score, rank) for rank, (passage, score) in enumerate(found[:k])]


def _stems() -> list[str]:
    return list(Stemmer.Stemmer("english").stemWords(list(TELLING_WORDS)))


def _tokens(texts: list[str], **how: Any) -> Any:
    stemmer = Stemmer.Stemmer("english")
    return library().tokenize(texts, token_pattern=WORDS, stopwords="en", stemmer=stemmer, show_progress=False, **how)
