"""Finds the passages whose vectors are nearest to a query's."""

from collections.abc import Callable, Sequence
from pathlib import Path

from semoe.errors import UsageError
from semoe.retrieval.dense import GRAPH
from semoe.retrieval.dense.encoder import Encoder, Vectors
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.nearest import Found, Parts, Rows, nearest
from semoe.retrieval.dense.vectors import VectorFolder, about, is_alike
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.passage_file import id_order

Finder = Callable[[Vectors, int], list[Found]]
"""Of queries [Q, D], and how many are wanted of each; see `nearest`."""


def exactly(folder: Path, parts: Parts) -> Finder:
    """Compares with every vector, on the processor."""
    return lambda query_QD, k: nearest(parts, query_QD, k)


def along_a_graph(folder: Path, parts: Parts) -> Finder:
    """Finds about the nearest; see `graph`.

    Raises:
        UsageError: the index has no graph, or faiss is not installed.
        CorruptError: the graph is cut, or one of other vectors.
    """
    from semoe.retrieval.dense.graph import Graph  # noqa: PLC0415  (faiss)

    return Graph(parts, folder / GRAPH).nearest


def on_a_gpu(folder: Path, parts: Parts) -> Finder:
    """Compares with every vector, on a GPU.

    Raises:
        UsageError: there is no GPU, or it has no room.
    """
    from semoe.retrieval.dense.on_gpu import OnGpu  # noqa: PLC0415

    return OnGpu(parts).nearest


class DenseRetriever:
    """A `Retriever` over a folder of vectors."""

    def __init__(
        self,
        folder: Path,
        *,
        encoder_name: str | None = None,
        encoder: Encoder | None = None,
        find: Callable[[Path, Parts], Finder] = exactly,
    ) -> None:
        """Opens the folder, and loads the encoder that made it.

        Args:
            folder: of the index.
            encoder_name: what opens it here; None: what opened it when the index was made.
            encoder: one that is loaded already; its vectors must be those of the index's.
            find: how the nearest are found: `exactly`, `along_a_graph` or `on_a_gpu`.

        Raises:
            UsageError: no such index, or another encoder's; or it cannot be searched so.
            CorruptError: parts of it are missing.
        """
        self._vectors = VectorFolder(folder)
        name = encoder_name or self._vectors.encoder
        self._encoder = encoder or open_encoder(name)
        if not is_alike(self._vectors.about, about(name, self._encoder)):
            raise UsageError(
                f"{folder} was made with {self._vectors.encoder}, and {name} is another model now: a text has another "
                "vector. Give the encoder that made it, or index again.",
                kind="index",
            )
        # Last: on a GPU the vectors take what room the encoder leaves.
        self._find = find(folder, self._vectors.parts)
        self.num_passages = len(self._vectors.passages)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        if not queries:
            return []
        found = self._find(self._encoder.queries(list(queries)), k)
        return [self._hits(rows, scores, k) for rows, scores in found]

    def _hits(self, rows: Rows, scores: Vectors, k: int) -> list[Retrieved]:
        hits = [(self._vectors.passages[int(row)], float(score)) for row, score in zip(rows, scores, strict=True)]
        hits.sort(key=lambda hit: (-hit[1], id_order(hit[0].id)))
        return [Retrieved(passage, score, rank) for rank, (passage, score) in enumerate(hits[:k])]
