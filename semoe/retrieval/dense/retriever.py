"""Finds the passages whose vectors are nearest to a query's: exactly, part by part.

Q queries   N passages of a part   D dimensions
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from semoe.errors import UsageError
from semoe.retrieval.dense.encoder import Encoder, Vectors
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.vectors import VectorFolder, about, is_same, require_encoder
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.passage_file import id_order


class DenseRetriever:
    """A `Retriever` over a folder of vectors."""

    def __init__(self, folder: Path, *, encoder_name: str | None = None, encoder: Encoder | None = None) -> None:
        """Opens the folder, and loads the encoder that made it.

        Args:
            folder: of the index.
            encoder_name: which one is expected; None: the index's.
            encoder: one that is loaded already; its vectors must be those of the index's.

        Raises:
            UsageError: no such index, or another encoder's.
            CorruptError: parts of it are missing.
        """
        self._vectors = VectorFolder(folder)
        require_encoder(folder, encoder_name)
        self._encoder = encoder or open_encoder(self._vectors.encoder)
        if not is_same(self._vectors.about, about(self._vectors.encoder, self._encoder)):
            raise UsageError(
                f"{folder} was made with another model than the one that is {self._vectors.encoder} now: a text has "
                "another vector. Index again.",
                kind="index",
            )
        self.num_passages = len(self._vectors.passages)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        if not queries:
            return []
        query_QD = self._encoder.queries(list(queries))
        best = [_Best(k) for _ in queries]
        first = 0
        for part in self._vectors.parts:
            scores_QN = query_QD @ np.asarray(part, dtype=np.float32).T
            for one, scores_N in zip(best, scores_QN, strict=True):
                one.add(scores_N, first)
            first += len(part)
        return [self._found(one, k) for one in best]

    def _found(self, best: "_Best", k: int) -> list[Retrieved]:
        hits = [
            (self._vectors.passages[int(row)], float(score)) for row, score in zip(best.rows, best.scores, strict=True)
        ]
        hits.sort(key=lambda hit: (-hit[1], id_order(hit[0].id)))
        return [Retrieved(passage, score, rank) for rank, (passage, score) in enumerate(hits[:k])]


class _Best:
    """The best rows of one query, over the parts seen so far; all that are as good as the last of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.scores: Vectors = np.zeros(0, np.float32)

    def add(self, scores_N: Vectors, first: int) -> None:
        rows = self._good(scores_N)
        scores = np.concatenate([self.scores, scores_N[rows]])
        keep = self._good(scores)
        self.rows = np.concatenate([self.rows, rows + first])[keep]
        self.scores = scores[keep]

    def _good(self, scores_N: Vectors) -> npt.NDArray[np.int64]:
        most = min(self._most, len(scores_N))
        return np.flatnonzero(scores_N >= np.partition(scores_N, -most)[-most])
