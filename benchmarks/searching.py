"""How fast indexes in a folder are made and searched, beside what memory and the libraries allow; ratios in one run.

python -m benchmarks.searching                                    real passages: the demo's
python -m benchmarks.searching --corpus psgs_w100.tsv --large     and two million passages that are made up
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from elasticsearch import Elasticsearch

from benchmarks.encoding import encoding
from benchmarks.timing import PASSAGES, best_seconds, describe
from semoe.retrieval.bm25 import Bm25Retriever, _tokens, build_index
from semoe.retrieval.dense import MINILM
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.encoder import SentenceEncoder
from semoe.retrieval.dense.nearest import nearest
from semoe.retrieval.dense.parts import PART
from semoe.retrieval.dense.retriever import DenseRetriever
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.schema import Documents, Words
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.elastic.vectors import ElasticDenseRetriever, Vectors
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import Retriever

QUERIES, WORDS, VOCABULARY, TIMES = 64, 50, 200_000, 3
VECTORS, SIZE = 1_000_000, 384
ENCODED = 512
"""Passages whose encoding is timed."""


def main() -> None:
    """Prints each figure beside its bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=PASSAGES)
    parser.add_argument("--large", action="store_true", help="also two million passages: ten minutes, 10 GB")
    parser.add_argument("--es_url", help="also Elasticsearch, with an index of its own that is removed again")
    asked = parser.parse_args()
    passages = list(read_passages(asked.corpus))
    encoder = SentenceEncoder(MINILM)
    encoding(encoder, passages[:ENCODED])
    with tempfile.TemporaryDirectory() as folder:
        build_index(passages, Path(folder) / "bm25")
        words = Bm25Retriever(Path(folder) / "bm25")
        together("bm25", words, passages)
        beside_bm25s(words, passages)
        few = passages[: 4 * ENCODED]
        build_vectors(few, Path(folder) / "dense", MINILM, encoder)
        together(f"dense, {len(few):,} passages", DenseRetriever(Path(folder) / "dense", encoder=encoder), few)
        if asked.es_url:
            on_a_server(asked.es_url, encoder, few)
    comparing()
    if asked.large:
        with tempfile.TemporaryDirectory() as folder:
            large(Path(folder) / "bm25", 2_000_000)
    print(describe())


def asked_of(passages: Sequence[Passage]) -> list[str]:
    """Returns a question of every so many passages."""
    chosen = passages[:: max(1, len(passages) // QUERIES)][:QUERIES]
    return [f"Who or what is {passage.title}, and what became of it?" for passage in chosen]


def together(name: str, retriever: Retriever, passages: Sequence[Passage]) -> None:
    """Queries at once beside one at a time."""
    queries = asked_of(passages)
    at_once = best_seconds(lambda: retriever.search(queries, 10), TIMES)
    alone = best_seconds(lambda: [retriever.search([query], 10) for query in queries], TIMES)
    print(
        f"{name}: {len(queries)} queries at once {1000 * at_once / len(queries):.2f} ms a query, one at a time "
        f"{1000 * alone / len(queries):.2f}: {alone / at_once:.1f} x"
    )


def on_a_server(url: str, encoder: SentenceEncoder, passages: Sequence[Passage]) -> None:
    """Elasticsearch by words and by vectors: many queries are one request."""
    server = ElasticConfig.from_environment(url=url)
    kinds: dict[str, Documents] = {"bench": Words(), "bench.dense": Vectors(MINILM, encoder)}
    try:
        for name, documents in kinds.items():
            load_index(iter(passages), name, server, corpus="bench", settings=LoadSettings(), documents=documents)
        together(f"elasticsearch, {len(passages):,} passages", ElasticRetriever("bench", server), passages)
        vectors = ElasticDenseRetriever("bench.dense", server, encoder=encoder)
        together(f"elasticsearch-dense, {len(passages):,} passages", vectors, passages)
    finally:
        Elasticsearch(url).indices.delete(index=",".join(kinds), ignore_unavailable=True)


def beside_bm25s(retriever: Bm25Retriever, passages: Sequence[Passage]) -> None:
    """Ours, which settles ties and reads passages, beside the library's own call for many queries: rows and scores."""
    queries = asked_of(passages)

    def theirs() -> None:
        tokens = _tokens(queries, return_ids=False)
        retriever._index.retrieve(tokens, k=10, show_progress=False, n_threads=0)

    library, ours = best_seconds(theirs, TIMES), best_seconds(lambda: retriever.search(queries, 10), TIMES)
    print(f"bm25: {library / ours:.2f} of the rate of bm25s's own batch call")


def comparing() -> None:
    """Exact search over vectors in memory, beside reading them, and beside the product with float32."""
    chance = np.random.default_rng(0)
    sizes = [min(PART, VECTORS - first) for first in range(0, VECTORS, PART)]
    parts = [(chance.standard_normal((size, SIZE), dtype=np.float32) / 20).astype(np.float16) for size in sizes]
    num_bytes = sum(part.nbytes for part in parts)
    numbers = torch.ones(num_bytes // 8, dtype=torch.int64)
    reading = best_seconds(numbers.sum, TIMES)
    queries_QD = chance.standard_normal((QUERIES, SIZE), dtype=np.float32)
    one, many = (best_seconds(lambda n=n: nearest(parts, queries_QD[:n], 10), TIMES) for n in (1, QUERIES))  # type: ignore[misc]
    whole = torch.randn(VECTORS // 4, SIZE)
    product = 4 * best_seconds(lambda: torch.from_numpy(queries_QD) @ whole.T, TIMES)
    print(
        f"exact, {VECTORS:,} vectors: one query {1000 * one:.0f} ms, {reading / one:.2f} of the rate of reading "
        f"({num_bytes / reading / 1e9:.0f} GB/s); {QUERIES} queries {1000 * many:.0f} ms, {product / many:.2f} of the "
        "rate of the product in float32"
    )


def large(folder: Path, number: int) -> None:
    """BM25 over many passages: building, opening, and searching on disk beside searching in memory."""
    began = time.perf_counter()
    build_index(made_up(number), folder)
    built = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    opening = best_seconds(lambda: Bm25Retriever(folder), TIMES)
    mapped, in_memory = Bm25Retriever(folder), Bm25Retriever(folder)
    for name, numbers in in_memory._index.scores.items():
        if isinstance(numbers, np.ndarray):
            in_memory._index.scores[name] = numbers.copy()
    queries = [passage.text[:60] for passage in made_up(QUERIES)]
    mapped.search(queries, 10)
    ours, theirs = (best_seconds(lambda r=r: r.search(queries, 10), TIMES) for r in (mapped, in_memory))  # type: ignore[misc]
    print(
        f"bm25, {number:,} passages: built in {built:.0f} s, {peak:.1f} GiB at most; opened in {opening:.2f} s; "
        f"{1000 * ours / QUERIES:.0f} ms a query, {ours / theirs:.2f} x the time in memory"
    )


def made_up(number: int) -> Iterator[Passage]:
    """Yields passages of words as frequent as words are."""
    chance = np.random.default_rng(1)
    weights = 1 / np.arange(1, VOCABULARY + 1)
    sums = (weights / weights.sum()).cumsum()
    for first in range(0, number, 10_000):
        words = np.searchsorted(sums, chance.random((min(10_000, number - first), WORDS)))
        for row, own in enumerate(words.tolist()):
            yield Passage(str(first + row), " ".join(f"w{word}" for word in own), f"t{first + row}")


if __name__ == "__main__":
    main()
