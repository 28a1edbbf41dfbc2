"""Several retrievers as one: each passage counts by its rank with each of them.

Source: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009); 60 is theirs.
"""

from collections import defaultdict
from collections.abc import Sequence

from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.passage_file import id_order
from semoe.retrieval.retriever import Retriever

OFFSET = 60
"""How little the first ranks count above the later ones."""
DEPTH = 100
"""Passages that each retriever is asked for, at least."""


class Fusion:
    """A `Retriever` over others: a passage's score is Σ 1 / (60 + its rank), ranks counted from 1."""

    def __init__(self, retrievers: Sequence[Retriever]) -> None:
        self._retrievers = tuple(retrievers)
        self.num_passages: int | None = getattr(self._retrievers[0], "num_passages", None)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        found = [retriever.search(queries, max(k, DEPTH)) for retriever in self._retrievers]
        return [_fused(own, k) for own in zip(*found, strict=True)]


def _fused(lists: Sequence[Sequence[Retrieved]], k: int) -> list[Retrieved]:
    passages: dict[str, Passage] = {}
    scores: dict[str, float] = defaultdict(float)
    for hits in lists:
        for hit in hits:
            passages.setdefault(hit.passage.id, hit.passage)
            scores[hit.passage.id] += 1 / (OFFSET + 1 + hit.rank)
    order = sorted(scores, key=lambda one: (-scores[one], id_order(one)))
    return [Retrieved(passages[one], scores[one], rank) for rank, one in enumerate(order[:k])]
