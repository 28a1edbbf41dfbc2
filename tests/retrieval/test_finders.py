"""The nearest along a graph, and in a GPU's memory (here: torch's processor), beside comparing with every vector."""

from pathlib import Path

import numpy as np
import pytest

from semoe.errors import CorruptError, UsageError
from semoe.retrieval.dense import GRAPH
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.encoder import Vectors
from semoe.retrieval.dense.graph import Graph, build_graph, recall
from semoe.retrieval.dense.nearest import Parts, nearest
from semoe.retrieval.dense.on_gpu import OnGpu
from semoe.retrieval.dense.retriever import DenseRetriever, along_a_graph, on_a_gpu
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.index import ensure_index, index_all
from tests.demo import DEMO
from tests.retrieval.letters import Letters, corpus


def vectors(count: int, seed: int = 0) -> Vectors:
    found = np.random.default_rng(seed).standard_normal((count, 32)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def parts() -> Parts:
    whole = vectors(3000).astype(np.float16)
    whole[7] = whole[2999]  # equals in different parts
    return [whole[first : first + 700] for first in range(0, 3000, 700)]


def test_a_gpu_finds_what_the_processor_finds(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = np.concatenate([vectors(5, seed=1), np.asarray(parts[0][7:8], np.float32)])
    for scores in (1 << 28, 6000, 1):
        monkeypatch.setattr("semoe.retrieval.dense.on_gpu.LEAST_SCORES", scores)
        monkeypatch.setattr("semoe.retrieval.dense.on_gpu.ROWS", 1000)
        monkeypatch.setattr("semoe.retrieval.dense.on_gpu.GROUP", 100)
        resident = OnGpu(parts, device="cpu")
        for k in (1, 10, 4000):
            for ours, theirs in zip(resident.nearest(queries, k), nearest(parts, queries, k), strict=True):
                found = dict(zip(*ours, strict=True))
                assert {row: found[row] for row in theirs[0]} == dict(zip(*theirs, strict=True))
                assert all(score < min(theirs[1]) for row, score in found.items() if row not in theirs[0])
    assert {7, 2999} <= set(resident.nearest(queries, 1)[5][0])


def test_without_a_gpu_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_vectors(corpus(), tmp_path / "v", "letters", Letters())
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="needs a GPU"):
        DenseRetriever(tmp_path / "v", encoder=Letters(), find=on_a_gpu)


def test_a_graph_leads_to_the_nearest(tmp_path: Path, parts: Parts) -> None:
    build_graph(parts, tmp_path / GRAPH)
    graph = Graph(parts, tmp_path / GRAPH)
    queries = vectors(50, seed=1)
    assert recall(parts, graph, queries) > 0.97
    for (rows, scores), query_D in zip(graph.nearest(queries, 3), queries, strict=True):
        assert len(rows) == 9
        exact = np.concatenate(parts)[rows].astype(np.float64) @ query_D
        assert np.allclose(scores, exact, atol=1e-6), "weighed by the vectors themselves"
    assert len(graph.nearest(queries[:1], 5000)[0][0]) <= 3000
    with pytest.raises(CorruptError, match="other vectors"):
        Graph(parts[:2], tmp_path / GRAPH)
    (tmp_path / GRAPH).write_bytes((tmp_path / GRAPH).read_bytes()[:5000])
    with pytest.raises(CorruptError, match="cut"):
        Graph(parts, tmp_path / GRAPH)


def test_an_index_gets_a_graph_without_encoding_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = Letters()
    monkeypatch.setattr("semoe.stages.vector_index.open_encoder", lambda name: encoder)
    monkeypatch.setattr("semoe.retrieval.dense.retriever.open_encoder", lambda name: encoder)
    where, path = RetrievalConfig(index_dir=tmp_path), str(DEMO / "passages.tsv")
    index_all(path, "dense", where)
    with pytest.raises(UsageError, match="semoe index --retriever dense-hnsw"):
        open_retriever("dense-hnsw", where)
    (made,) = ensure_index(path, "dense-hnsw", where)
    assert (made.num_passages, made.num_found) == (300, 300)
    assert made.recall is not None
    assert made.recall > 0.95
    assert ensure_index(path, "dense-hnsw+dense", where) == []
    # Made again of the same corpus it keeps its graph; of another, it has none that would lead astray.
    graph = (where.dense_folder / GRAPH).read_bytes()
    index_all(path, "dense", where)
    assert (where.dense_folder / GRAPH).read_bytes() == graph
    queries = ["Where was the playwright born?", "Tampere"]
    exact, along = (open_retriever(name, where).search(queries, 3) for name in ("dense", "dense-hnsw"))
    assert [[hit.passage.id for hit in own] for own in along] == [[hit.passage.id for hit in own] for own in exact]


def test_a_graph_of_other_vectors_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.stages.vector_index.open_encoder", lambda name: Letters())
    where, path, other = RetrievalConfig(index_dir=tmp_path), tmp_path / "a.tsv", tmp_path / "b.tsv"
    for one, text in ((path, "abc"), (other, "xyz")):
        rows = [f"{n}\t{text * (1 + n % 3)}{chr(97 + n)}\tT" for n in range(20)]
        one.write_text("\n".join(["id\ttext\ttitle", *rows]), encoding="utf-8")

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("semoe.stages.vector_index.recall", stopped)
        with pytest.raises(KeyboardInterrupt):
            index_all(str(path), "dense-hnsw", where)
    index_all(str(other), "dense", where)
    assert not (where.dense_folder / GRAPH).exists()
    made = index_all(str(other), "dense-gpu+dense-hnsw+dense", where)
    assert list(made) == ["dense-gpu", "dense-hnsw", "dense"]
    assert (where.dense_folder / GRAPH).exists()
    index_all(str(path), "dense", where)
    assert not (where.dense_folder / GRAPH).exists()


def test_a_graph_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path, parts: Parts) -> None:
    with pytest.raises(FileNotFoundError):
        build_graph(parts[:1], tmp_path / "nowhere" / GRAPH)


def test_without_faiss_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_vectors(corpus(), tmp_path / "v", "letters", Letters())
    (tmp_path / "v" / GRAPH).touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"faiss-cpu.*semoe\[dense\]"):
        DenseRetriever(tmp_path / "v", encoder=Letters(), find=along_a_graph)
