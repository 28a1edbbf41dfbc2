"""Several retrievers as one: by each passage's rank with each of them, or by their scores, weighted.

Source of the ranks: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009); 60 is theirs.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.passage_file import id_order
from semoe.retrieval.retriever import Retriever

OFFSET = 60
"""How little the first ranks count above the later ones."""
DEPTH = 100
"""Passages that each retriever is asked for, at least."""
Points = Callable[[Sequence[Retrieved]], list[float]]
"""What each passage of a list gets."""


class Fusion:
    """A `Retriever` over others.

    Without weights a passage's score is Σ 1 / (60 + its rank), ranks counted from 1. With weights it is Σ weight · s,
    where s is its score with a retriever, moved and stretched so that the best of the list has 1 and the last 0.
    """

    def __init__(self, retrievers: Sequence[Retriever], weights: Sequence[float] | None = None) -> None:
        self._retrievers = tuple(retrievers)
        self._points: list[Points] = (
            [_by_rank for _ in retrievers] if weights is None else [_by_score(weight) for weight in weights]
        )
        self.num_passages: int | None = getattr(self._retrievers[0], "num_passages", None)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        found = [retriever.search(queries, max(k, DEPTH)) for retriever in self._retrievers]
        return [self._fused(own, k) for own in zip(*found, strict=True)]

    def _fused(self, lists: Sequence[Sequence[Retrieved]], k: int) -> list[Retrieved]:
        passages: dict[str, Passage] = {}
        scores: dict[str, float] = defaultdict(float)
        for hits, points in zip(lists, self._points, strict=True):
            for hit, own in zip(hits, points(hits), strict=True):
                passages.setdefault(hit.passage.id, hit.passage)
                scores[hit.passage.id] += own
        order = sorted(scores, key=lambda one: (-scores[one], id_order(one)))
        return [Retrieved(passages[one], scores[one], rank) for rank, one in enumerate(order[:k])]


def _by_rank(hits: Sequence[Retrieved]) -> list[float]:
    return [1 / (OFFSET + 1 + hit.rank) for hit in hits]


def _by_score(weight: float) -> Points:
    def points(hits: Sequence[Retrieved]) -> list[float]:
        best, last = (hits[0].score, hits[-1].score) if hits else (0.0, 0.0)
        return [weight * ((hit.score - last) / (best - last) if best > last else 1.0) for hit in hits]

    return points
