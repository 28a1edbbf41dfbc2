"""Vectors in an index of Elasticsearch, which finds the nearest ones: the retriever `elasticsearch-dense`.

It looks for them along a graph (HNSW) over vectors of whole numbers, and weighs what it finds by the real ones: most of
the nearest are among them, not all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from semoe.errors import UsageError
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.parts import PART, KeptParts, make_part
from semoe.retrieval.dense.vectors import about
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.schema import FOUND, ORDER, bulk_lines
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.retrieval.elastic.state import check_encoder
from semoe.retrieval.passage import Passage

LOOKED_AT = 200
"""Passages that each shard looks at for a query, at least; ten times as many as are wanted."""
MOST = 10_000
"""Elasticsearch's own limit."""
TINY = 1e-6
"""Shorter than any vector."""
WEIGHED = 3.0
"""Times as many as are wanted are weighed by their real vectors."""


class Vectors:
    """`Documents` that are searched by the vectors that an encoder makes of them."""

    def __init__(self, encoder_name: str, encoder: Encoder, shared: KeptParts | None = None) -> None:
        """Takes an encoder.

        Args:
            encoder_name: what opens it again.
            encoder: makes the vectors that are kept nowhere.
            shared: where workers keep parts.
        """
        self._encoder = encoder
        self._places = [shared] if shared else []
        self.at_once = PART if shared else 256  # an encoder sorts them by length
        # Workers keep vectors by what is in a group.
        self.is_cut = bool(shared)
        self.encoder: Mapping[str, Any] = about(encoder_name, encoder)

    @property
    def mapping(self) -> Mapping[str, Any]:
        """See `Documents`."""
        told = {"type": "text", "index": False}
        vector = {
            "type": "dense_vector",
            "dims": self._encoder.size,
            "similarity": "dot_product",
            "index_options": {"type": "int8_hnsw"},
        }
        return {"dynamic": "strict", "properties": {"txt": told, "title": told, **ORDER, "vector": vector}}

    def lines(self, passages: Sequence[Passage]) -> list[bytes]:
        """See `Documents`."""
        vectors_ND = make_part(passages, self._encoder, self._places).vectors_ND.astype(np.float32)
        # It takes vectors of length 1 alone; 16 bits are not always as near to that as it wants.
        vectors_ND /= np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), TINY)
        return [bulk_lines(passage, vector=vector_D) for passage, vector_D in zip(passages, vectors_ND, strict=True)]


class ElasticDenseRetriever(ElasticRetriever):
    """A `Retriever` over a complete index of vectors."""

    def __init__(
        self, name: str, config: ElasticConfig, *, encoder_name: str | None = None, encoder: Encoder | None = None
    ) -> None:
        """Opens the index, and loads the encoder that made it.

        Args:
            name: of the index.
            config: where Elasticsearch is.
            encoder_name: which one is expected; None: the index's.
            encoder: one that is loaded already.

        Raises:
            UsageError: no such index, it is half built, or has no vectors or another encoder's.
            TransientError: Elasticsearch does not answer.
        """
        super().__init__(name, config)
        made_by = str(self._state.encoder.get("encoder", ""))
        if not made_by:
            raise UsageError(f"Index {name} holds no vectors. Give another --index_name.", kind="other-index")
        self._encoder = encoder or open_encoder(encoder_name or made_by)
        check_encoder(name, self._state, about(encoder_name or made_by, self._encoder))

    def _bodies(self, queries: Sequence[str], k: int) -> list[dict[str, Any]]:
        return [_body(query_D.tolist(), k) for query_D in self._encoder.queries(list(queries))]

    def _score(self, said: float) -> float:
        """The vectors' product, between −1 and 1; Elasticsearch moves it between 0 and 1."""
        return 2 * said - 1


def _body(query_vector: list[float], k: int) -> dict[str, Any]:
    knn = {
        "field": "vector",
        "query_vector": query_vector,
        "k": k,
        "num_candidates": min(MOST, max(LOOKED_AT, 10 * k)),
        "rescore_vector": {"oversample": WEIGHED},
    }
    return {"knn": knn, "size": k} | FOUND
