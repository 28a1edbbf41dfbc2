"""The nearest of many vectors, exactly, with all of them in a GPU's memory; finds what `nearest` finds.

Q queries   N vectors   D dimensions   G groups of `GROUP` vectors
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.retrieval.dense.encoder import Vectors
from semoe.retrieval.dense.nearest import ABOUT, Found, Parts, Rows, weighed
from semoe.words import counted

ROWS = 1 << 20
"""Vectors that are multiplied at once."""
GROUP = 1024
"""Vectors whose best stands for them: of the `k` best groups each has one that is as near as the last of them."""
LEAST_SCORES = 1 << 26
"""Products that are kept at once, at least: a quarter of a gigabyte."""


class OnGpu:
    """All vectors of an index, in a GPU's memory."""

    def __init__(self, parts: Parts, device: str = "cuda") -> None:
        """Takes them there.

        Args:
            parts: [N, D] each.
            device: of torch.

        Raises:
            UsageError: there is no GPU, or it has no room.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError("dense-gpu needs a GPU, and there is none. Take dense or dense-hnsw.", kind="no-device")
        self._parts = parts
        num_vectors, size = sum(map(len, parts)), parts[0].shape[1] if parts else 0
        with self._room_said(f"{counted(num_vectors, 'vector')} of {size} numbers"):
            self._vectors_ND = torch.empty((num_vectors, size), dtype=torch.float16, device=device)
        first = 0
        for part_ND in parts:
            self._vectors_ND[first : first + len(part_ND)] = torch.from_numpy(part_ND)
            first += len(part_ND)

    def nearest(self, query_QD: Vectors, k: int) -> list[Found]:
        """Returns rows and products of the `k` nearest of each query, in no order; see `nearest.nearest`."""
        queries_QD = torch.from_numpy(query_QD).to(self._vectors_ND.device)
        at_once = max(1, self._room() // max(1, len(self._vectors_ND)))
        with self._room_said(f"the products of {at_once:,} queries with {counted(len(self._vectors_ND), 'vector')}"):
            rows = [own for some_QD in queries_QD.split(at_once) for own in self._rows(some_QD, k)]
        return weighed(self._parts, rows, query_QD)

    @contextmanager
    def _room_said(self, what: str) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise UsageError(f"The GPU has no room for {what}. Take dense-hnsw or dense.", kind="no-room") from error

    def _room(self) -> int:
        """Returns how many products have room: a quarter of what is free, for they are compared and copied."""
        if self._vectors_ND.device.type == "cpu":
            return LEAST_SCORES
        free, _ = torch.cuda.mem_get_info()
        return max(LEAST_SCORES, free // 16)

    def _rows(self, queries_QD: Tensor, k: int) -> list[Rows]:
        """Returns the rows of each query that are as near as its nearest `k`, or about as near, and others."""
        num_vectors = len(self._vectors_ND)
        whole = -(-num_vectors // GROUP) * GROUP
        scores_QN = queries_QD.new_full((len(queries_QD), whole), -torch.inf)
        for first in range(0, num_vectors, ROWS):
            last = min(first + ROWS, num_vectors)
            scores_QN[:, first:last] = products(queries_QD, self._vectors_ND[first:last])
        found = (scores_QN >= _least(scores_QN, min(k, num_vectors)) - ABOUT).nonzero().cpu().numpy()
        return np.split(found[:, 1], np.searchsorted(found[:, 0], np.arange(1, len(queries_QD))))


def _least(scores_QN: Tensor, k: int) -> Tensor:
    """Returns what `k` vectors of each query reach at least, [Q, 1]; groups are fewer to sort than vectors."""
    best_QG = scores_QN.view(len(scores_QN), -1, GROUP).amax(2)
    values_QN = best_QG if k <= best_QG.shape[1] else scores_QN
    return values_QN.topk(k).values[:, -1:]


def products(queries_QD: Tensor, vectors_ND: Tensor) -> Tensor:
    """Returns the products of float32 queries and float16 vectors, [Q, N] float32.

    A GPU multiplies 16 bits by 16 and adds in 32. So a query is two halves, what 16 bits can say of it and the rest:
    the vectors are read once, as they are, and the products are as near as those of float32.
    """
    if queries_QD.device.type == "cpu":
        return queries_QD @ vectors_ND.float().T
    upper_QD = queries_QD.half()
    lower_QD = (queries_QD - upper_QD.float()).half()
    both_PN = torch.mm(torch.cat([upper_QD, lower_QD]), vectors_ND.T, out_dtype=torch.float32)
    upper_QN, lower_QN = both_PN.chunk(2)
    return upper_QN + lower_QN
