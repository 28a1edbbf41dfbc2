"""A GPU finds the vectors that the processor finds."""

import numpy as np
import pytest
import torch

from semoe.retrieval.dense.nearest import nearest
from semoe.retrieval.dense.on_gpu import OnGpu

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


def test_rows_and_products_are_the_same() -> None:
    chance = np.random.default_rng(0)
    vectors_ND = chance.standard_normal((300_000, 384), dtype=np.float32) / 20
    vectors_ND[299_999] = vectors_ND[5]
    parts = [vectors_ND[first : first + 2048].astype(np.float16) for first in range(0, 300_000, 2048)]
    queries_QD = np.concatenate([chance.standard_normal((63, 384), dtype=np.float32) / 20, vectors_ND[5:6]])
    for ours, theirs in zip(OnGpu(parts).nearest(queries_QD, 10), nearest(parts, queries_QD, 10), strict=True):
        # About as near as the tenth may be one more here than there; the first ten are the same.
        first = [rows[np.lexsort((rows, -scores))][:10] for rows, scores in (ours, theirs)]
        assert (first[0] == first[1]).all()
        assert (np.sort(ours[1])[::-1][:10] == np.sort(theirs[1])[::-1][:10]).all()
