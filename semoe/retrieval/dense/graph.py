"""Approximate search: a graph over the vectors leads to about the nearest, which are then weighed by the vectors.

Source: hierarchical navigable small worlds (Malkov and Yashunin, arXiv 1603.09320), through faiss. The graph's own copy
of the vectors has 8 bits a number, and it is memory-mapped: some 660 bytes a passage of 384 dimensions.

Q queries   N vectors of a part   D dimensions
"""

import errno
import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from semoe.errors import CorruptError, UsageError
from semoe.missing import require_package
from semoe.retrieval.dense.encoder import Vectors
from semoe.retrieval.dense.nearest import Found, Parts, nearest, weighed

NEIGHBOURS, WIDTH = 32, 100
"""Of a vector, and candidates for them: what a build costs and how well a graph leads."""
LOOKED_AT, TIMES = 256, 3
"""Vectors that a search keeps in view, at least, and of them those weighed for each that is wanted."""
SAMPLE = 65_536
"""Vectors that say what range 8 bits have to cover."""
SMALL = 64 << 20
"""Bytes: a disk with no more is full."""
AT_ONCE = 16
"""Parts that are added at once: enough for every core."""


def build_graph(parts: Parts, path: Path, advance: Callable[[float], None] = lambda count: None) -> None:
    """Writes a graph over vectors.

    Args:
        parts: [N, D] each.
        path: of the graph.
        advance: told how many vectors were added.

    Raises:
        UsageError: faiss is not installed.
        OSError: the file cannot be written.
    """
    library = require_faiss()
    numbers = library.ScalarQuantizer.QT_8bit
    graph = library.IndexHNSWSQ(parts[0].shape[1], numbers, NEIGHBOURS, library.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = WIDTH
    graph.train(_sample(parts))
    for first in range(0, len(parts), AT_ONCE):
        vectors_ND = np.concatenate(parts[first : first + AT_ONCE]).astype(np.float32)
        graph.add(vectors_ND)
        advance(len(vectors_ND))
    temporary = path.with_name(f".{path.name}")
    try:
        library.write_index(graph, os.fspath(temporary))
    except RuntimeError as error:
        temporary.unlink(missing_ok=True)
        full = shutil.disk_usage(path.parent).free < SMALL
        raise OSError(errno.ENOSPC if full else errno.EIO, "the graph could not be written") from error
    temporary.rename(path)


def _sample(parts: Parts) -> Vectors:
    """Returns vectors out of the whole corpus, equally far from each other."""
    step = -(-sum(map(len, parts)) // SAMPLE)
    return np.concatenate([part_ND[::step] for part_ND in parts]).astype(np.float32)


class Graph:
    """Finds about the nearest of many vectors."""

    def __init__(self, parts: Parts, path: Path) -> None:
        """Opens it.

        Args:
            parts: the vectors that it was made of.
            path: of the graph.

        Raises:
            UsageError: there is none, or faiss is not installed.
            CorruptError: it is cut, or made of other vectors.
        """
        if not path.exists():
            raise UsageError(
                f"The vectors in {path.parent} have no graph. Run `semoe index --retriever dense-hnsw`: vectors that "
                "are there are not made again.",
                kind="missing-index",
            )
        self._parts = parts
        library = require_faiss()
        try:
            self._graph: Any = library.read_index(os.fspath(path), library.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise CorruptError(f"{path} is cut. Index again with dense-hnsw.", kind="corrupt") from error
        if self._graph.ntotal != sum(map(len, parts)):
            raise CorruptError(f"{path} was made of other vectors. Index again with dense-hnsw.", kind="corrupt")

    def nearest(self, query_QD: Vectors, k: int) -> list[Found]:
        """Returns rows and products of about the nearest of each query, in no order; see `nearest.nearest`."""
        wanted = min(max(TIMES * k, 1), self._graph.ntotal)
        self._graph.hnsw.efSearch = max(LOOKED_AT, wanted)
        _, rows_QK = self._graph.search(query_QD, wanted)
        return weighed(self._parts, [rows_K[rows_K >= 0] for rows_K in rows_QK], query_QD)


def recall(parts: Parts, graph: Graph, query_QD: Vectors) -> float:
    """Returns what share of the first 10 that exact search finds a graph finds as well."""
    found = zip(nearest(parts, query_QD, 10), graph.nearest(query_QD, 10), strict=True)
    shares = [np.isin(rows[np.argsort(-scores)[:10]], ours).mean() for (rows, scores), (ours, _) in found]
    return float(np.mean(shares))


def require_faiss() -> Any:
    """Imports faiss.

    Raises:
        UsageError: it is not installed.
    """
    require_package("faiss", "The retriever dense-hnsw")
    return importlib.import_module("faiss")
