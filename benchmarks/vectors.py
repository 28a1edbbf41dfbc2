"""Searching many vectors, exactly and along a graph, on the processor and on a GPU; ratios in one run.

python -m benchmarks.vectors                                      200,000 made-up vectors
python -m benchmarks.vectors --vectors 21000000 --graph 1000000   as many as Wikipedia has passages; 70 GB of memory

Vectors are made up: 32 directions and noise, about as hard to tell apart as a small encoder's (`lie` says how near the
nearest are). On a GPU also how fast MiniLM encodes.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.encoding import encoding
from benchmarks.timing import PASSAGES, best_seconds, describe
from semoe.retrieval.dense import GRAPH, MINILM
from semoe.retrieval.dense.encoder import SentenceEncoder, Vectors
from semoe.retrieval.dense.graph import Graph, build_graph, recall
from semoe.retrieval.dense.nearest import Found, Parts, nearest
from semoe.retrieval.dense.on_gpu import OnGpu
from semoe.retrieval.dense.parts import PART
from semoe.retrieval.dpr import read_passages

SIZE, DIRECTIONS, NOISE, QUERIES, TIMES = 384, 32, 0.6, 64, 3
BLOCK = 128 * PART


def main() -> None:
    """Prints each figure beside its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=200_000, help="for exact search")
    parser.add_argument("--graph", type=int, default=200_000, help="for a graph; 0: none")
    parser.add_argument("--corpus", type=Path, default=PASSAGES)
    asked = parser.parse_args()
    on_gpu = torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    if on_gpu:
        encoding(SentenceEncoder(MINILM), list(read_passages(asked.corpus)))
    queries_QD = made_up(QUERIES, device, seed=1)
    parts = parts_of(asked.vectors, device)
    lie(parts, queries_QD)
    exact = timed(f"exact, {asked.vectors:,} vectors", lambda query_QD: nearest(parts, query_QD, 10), queries_QD)
    if on_gpu:
        resident = OnGpu(parts)
        ours = timed("the same on a GPU", lambda query_QD: resident.nearest(query_QD, 10), queries_QD)
        reading(parts, ours[0])
        print(f"a GPU is {exact[0] / ours[0]:.0f} x as fast for one query, {exact[1] / ours[1]:.0f} x for {QUERIES}")
    if asked.graph:
        along(parts_of(asked.graph, device), queries_QD)
    print(describe())


def parts_of(count: int, device: str) -> Parts:
    """Returns so many vectors, in parts of the size that an index has."""
    blocks = [
        made_up(min(BLOCK, count - first), device, seed=2 + number).astype(np.float16)
        for number, first in enumerate(range(0, count, BLOCK))
    ]
    return [block_ND[first : first + PART] for block_ND in blocks for first in range(0, len(block_ND), PART)]


def made_up(count: int, device: str, seed: int) -> Vectors:
    """Returns vectors of length 1."""
    directions = torch.Generator(device).manual_seed(0)
    chance = torch.Generator(device).manual_seed(seed)
    axes_MD = torch.randn(DIRECTIONS, SIZE, generator=directions, device=device)
    places_NM = torch.randn(count, DIRECTIONS, generator=chance, device=device)
    vectors_ND = places_NM @ axes_MD
    vectors_ND += NOISE * torch.randn(count, SIZE, generator=chance, device=device)
    found: Vectors = torch.nn.functional.normalize(vectors_ND).cpu().numpy()
    return found


def lie(parts: Parts, queries_QD: Vectors) -> None:
    """Says how near the nearest are."""
    cosines = [np.sort(scores)[::-1][:10] for _, scores in nearest(parts, queries_QD, 10)]
    first, tenth = np.mean([(one[0], one[-1]) for one in cosines], axis=0)
    print(f"cosines of the first and the tenth: {first:.2f}, {tenth:.2f}")


def timed(name: str, find: Callable[[Vectors], Sequence[Found]], queries_QD: Vectors) -> tuple[float, float]:
    """Times one query, and many at once; returns their seconds."""
    one, many = (best_seconds(lambda n=n: find(queries_QD[:n]), TIMES) for n in (1, QUERIES))  # type: ignore[misc]
    print(f"{name}: one query {1000 * one:.2f} ms, {QUERIES} at once {1000 * many / QUERIES:.2f} ms a query")
    return one, many


def reading(parts: Parts, one: float) -> None:
    """Says how far a query on a GPU is from reading all vectors once."""
    numbers = torch.empty(sum(part.nbytes for part in parts) // 8, dtype=torch.int64, device="cuda")

    def read() -> None:
        numbers.sum()
        torch.cuda.synchronize()

    seconds = best_seconds(read, TIMES)
    rate = 8 * len(numbers) / seconds / 1e12
    print(f"one query on a GPU: {seconds / one:.2f} of the rate of reading ({rate:.1f} TB/s)")


def along(parts: Parts, queries_QD: Vectors) -> None:
    """A graph beside exact search."""
    count = sum(map(len, parts))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        build_graph(parts, Path(folder) / GRAPH)
        built = time.perf_counter() - began
        size = (Path(folder) / GRAPH).stat().st_size / count
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        graph = Graph(parts, Path(folder) / GRAPH)
        exact = timed(f"exact, {count:,} vectors", lambda query_QD: nearest(parts, query_QD, 10), queries_QD)
        ours = timed("along a graph", lambda query_QD: graph.nearest(query_QD, 10), queries_QD)
        found = recall(parts, graph, queries_QD)
    print(
        f"a graph over {count:,}: built in {built:.0f} s ({count / built:.0f} a second, {size:.0f} bytes each, process "
        f"at most {peak:.1f} GiB); {exact[0] / ours[0]:.0f} x as fast for one query, {exact[1] / ours[1]:.1f} x for "
        f"{QUERIES}; {100 * found:.1f} % of the first 10"
    )


if __name__ == "__main__":
    main()
