"""The nearest of many vectors, exactly: all are compared, part by part.

Q queries   N vectors of a part   D dimensions

torch makes float32 of a float16 part, ten times as fast as numpy, and multiplies while it is in the processor's cache:
so 64 queries take less time than the product with vectors that are float32 already.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from semoe.retrieval.dense.encoder import Vectors

Rows = npt.NDArray[np.int64]
Parts = Sequence[npt.NDArray[np.float16]]
Found = tuple[Rows, Vectors]
"""Rows, and their products with a query."""
ABOUT = 1e-5
"""More than the last bits of a product of vectors of length 1."""


def nearest(parts: Parts, query_QD: Vectors, k: int) -> list[Found]:
    """Returns rows and products of the `k` nearest of each query, in no order, and of all that are about as near.

    The last bits of a product depend on what else is multiplied with it. So those found are multiplied once more, one
    by one: equal vectors have equal products.

    Args:
        parts: [N, D] each, one behind the other.
        query_QD: what they are compared with.
        k: how many.
    """
    queries_QD = torch.from_numpy(query_QD)
    best = [_Best(k) for _ in query_QD]
    least_Q = np.full(len(best), -np.inf, np.float32)
    first = 0
    for part_ND in parts:
        scores_QN = (queries_QD @ torch.from_numpy(part_ND).float().T).numpy()
        # Soon few parts hold anything that is as near as what was found.
        for query in np.flatnonzero(scores_QN.max(1) >= least_Q):
            least_Q[query] = best[query].add(scores_QN[query], first)
        first += len(part_ND)
    return weighed(parts, [one.rows for one in best], query_QD)


def weighed(parts: Parts, rows: Sequence[Rows], query_QD: Vectors) -> list[Found]:
    """Returns rows with their products, each query's own; a row's product is the same in any company."""
    starts = np.cumsum([0, *map(len, parts)])
    return [(own, _products(parts, starts, own, query_D)) for own, query_D in zip(rows, query_QD, strict=True)]


def _products(parts: Parts, starts: npt.NDArray[np.int64], rows: Rows, query_D: Vectors) -> Vectors:
    numbers = np.searchsorted(starts, rows, side="right") - 1
    found = [parts[number][row - starts[number]] for number, row in zip(numbers, rows, strict=True)]
    if not found:
        return np.zeros(0, np.float32)
    exact: Vectors = (np.stack(found).astype(np.float64) * query_D).sum(1).astype(np.float32)
    return exact


class _Best:
    """The best rows of one query, over the parts seen so far; all that are about as good as the last of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.rows: Rows = np.zeros(0, np.int64)
        self.scores: Vectors = np.zeros(0, np.float32)

    def add(self, scores_N: Vectors, first: int) -> float:
        """Takes a part in; returns what the next must reach to count."""
        rows = self._good(scores_N)
        scores = np.concatenate([self.scores, scores_N[rows]])
        keep = self._good(scores)
        self.rows = np.concatenate([self.rows, rows + first])[keep]
        self.scores = scores[keep]
        return float(self.scores.min()) if len(self.scores) >= self._most else -np.inf

    def _good(self, scores_N: Vectors) -> Rows:
        most = min(self._most, len(scores_N))
        return np.flatnonzero(scores_N >= np.partition(scores_N, -most)[-most] - ABOUT)
