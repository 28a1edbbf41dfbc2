"""The nearest of many vectors, exactly, with all of them in a GPU's memory; finds what `nearest` finds.

Q queries   N vectors   D dimensions
"""

import numpy as np
import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.retrieval.dense.encoder import Vectors
from semoe.retrieval.dense.nearest import ABOUT, Found, Parts, Rows, weighed

ROWS = 1 << 18
"""Vectors that are made float32 at once."""
SCORES = 1 << 28
"""Products that are kept at once: a gigabyte."""


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
        try:
            self._vectors_ND = torch.empty((num_vectors, size), dtype=torch.float16, device=device)
        except torch.OutOfMemoryError as error:
            raise UsageError(
                f"The GPU has no room for {num_vectors:,} vectors of {size} numbers. Take dense-hnsw or dense.",
                kind="no-room",
            ) from error
        first = 0
        for part_ND in parts:
            self._vectors_ND[first : first + len(part_ND)] = torch.from_numpy(part_ND)
            first += len(part_ND)

    def nearest(self, query_QD: Vectors, k: int) -> list[Found]:
        """Returns rows and products of the `k` nearest of each query, in no order; see `nearest.nearest`."""
        queries_QD = torch.from_numpy(query_QD).to(self._vectors_ND.device)
        at_once = max(1, SCORES // max(1, len(self._vectors_ND)))
        rows = [own for some_QD in queries_QD.split(at_once) for own in self._rows(some_QD, k)]
        return weighed(self._parts, rows, query_QD)

    def _rows(self, queries_QD: Tensor, k: int) -> list[Rows]:
        """Returns the rows of each query that are as near as its nearest `k`, or about as near."""
        blocks = self._vectors_ND.split(ROWS)
        scores_QN = torch.cat([queries_QD @ block_ND.float().T for block_ND in blocks], dim=1)
        most = min(k, len(self._vectors_ND))
        least_Q1 = scores_QN.topk(most).values[:, -1:]
        found = (scores_QN >= least_Q1 - ABOUT).nonzero().cpu().numpy()
        return np.split(found[:, 1], np.searchsorted(found[:, 0], np.arange(1, len(queries_QD))))
