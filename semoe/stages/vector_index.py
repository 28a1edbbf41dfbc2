"""A corpus becomes a folder of vectors, with a graph over them where that is wanted."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from semoe.files import read_json, write_json
from semoe.retrieval.dense import GRAPH, GRAPH_ABOUT, MINILM
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.dense.encoders import open_encoder
from semoe.retrieval.dense.graph import Graph, build_graph, recall, require_faiss
from semoe.retrieval.dense.vectors import VectorFolder, encoder_of
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.stages.vector_parts import StoredParts, shared_parts
from semoe.telemetry.progress import progress

PROBES = 200
"""Titles that a graph is measured with, about."""


class Made(NamedTuple):
    """What an index of vectors came to."""

    num_passages: int
    num_found: int
    """Of them, those whose vectors were there."""
    recall: float | None
    """Of its graph; None: it has none."""


def make_vectors(passages: Iterator[Passage], where: RetrievalConfig, *, with_graph: bool = False) -> Made:
    """Makes an index of vectors.

    Args:
        passages: the corpus.
        where: the folder, the encoder, and where workers keep parts.
        with_graph: also what `dense-hnsw` searches along.

    Raises:
        UsageError: a package or the encoder is missing, or the folder cannot be written.
        CorruptError: the encoder makes numbers that are none.
        TransientError: another process builds it.
    """
    if with_graph:
        require_faiss()
    folder = where.dense_folder
    name = encoder_name_of(where, encoder_of(folder))
    encoder = open_encoder(name)

    def finish(building: Path) -> None:
        if with_graph and not (building / GRAPH_ABOUT).exists():
            _add_graph(building, encoder)

    shared = shared_of(where, name, encoder)
    made = build_vectors(passages, folder, name, encoder, shared=shared, finish=finish)
    return Made(*made, float(read_json(folder / GRAPH_ABOUT)["recall"]) if with_graph else None)


def encoder_name_of(where: RetrievalConfig, made_by: str | None) -> str:
    """Returns which encoder makes vectors: the one that is said, or that made the index.

    Workers that share a place may not see an index: there it is said, or `minilm`, for all alike.
    """
    return where.encoder or (None if where.parts else made_by) or MINILM


def shared_of(where: RetrievalConfig, encoder_name: str, encoder: Encoder) -> StoredParts | None:
    """Opens the place where workers keep parts; None where each machine makes its own."""
    return shared_parts(where.parts, encoder_name, encoder) if where.parts else None


def _add_graph(folder: Path, encoder: Encoder) -> None:
    """Makes the graph of a folder of vectors, and measures it with titles as queries."""
    opened = VectorFolder(folder)
    num_passages = len(opened.passages)
    with progress("graph", num_passages, "vectors") as advance:
        build_graph(opened.parts, folder / GRAPH, advance)
    rows = range(0, num_passages, max(1, num_passages // PROBES))
    queries = [opened.passages[row].title or opened.passages[row].text for row in rows]
    found = recall(opened.parts, Graph(opened.parts, folder / GRAPH), encoder.queries(queries))
    write_json(folder / GRAPH_ABOUT, {"recall": found, "queries": len(queries)})
