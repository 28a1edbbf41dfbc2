"""Vectors in Elasticsearch: what is found is what exact search finds, and what is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from semoe.errors import CorruptError, UsageError
from semoe.retrieval.dense import MINILM
from semoe.retrieval.dense.building import build_vectors
from semoe.retrieval.dense.encoder import SentenceEncoder, _place
from semoe.retrieval.dense.retriever import DenseRetriever
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.elastic.vectors import ElasticDenseRetriever, Vectors
from semoe.retrieval.fusion import Fusion
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.stages.corpus import open_corpus
from semoe.stages.index import index_all
from tests.demo import PASSAGES
from tests.retrieval.elastic.conftest import SMALL


class Counting:
    """Another encoder: by the letters that a text has. Fails where it is told to."""

    size = 26

    def __init__(self, fail_at: int = 1 << 60) -> None:
        self.encoded, self._fail_at = 0, fail_at

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        counts_ND = np.array([[text.lower().count(chr(97 + n)) + 0.1 for n in range(26)] for text in texts], np.float32)
        return np.asarray(counts_ND / np.linalg.norm(counts_ND, axis=1, keepdims=True), np.float32)

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += len(texts)
        if self.encoded > self._fail_at:
            raise CorruptError("a vector that is not finite", kind="not-finite")
        return self.queries(texts)


class FailingAt:
    """An encoder that fails once it has encoded so many."""

    def __init__(self, encoder: SentenceEncoder, most: int) -> None:
        self._encoder, self._most, self.size, self._encoded = encoder, most, encoder.size, 0

    def queries(self, texts: Sequence[str]) -> np.ndarray:
        return self._encoder.queries(texts)

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        self._encoded += len(texts)
        if self._encoded > self._most:
            raise CorruptError("a vector that is not finite", kind="not-finite")
        return self._encoder.passages(texts)


@pytest.fixture(scope="module")
def minilm() -> SentenceEncoder:
    return SentenceEncoder(MINILM)


def loaded(
    passages: list[Passage], name: str, config: ElasticConfig, encoder: Counting, settings: LoadSettings | None = None
) -> ElasticDenseRetriever:
    load_index(passages, name, config, corpus="test", settings=settings, documents=Vectors("letters", encoder))
    return ElasticDenseRetriever(name, config, encoder=encoder)


def test_it_finds_what_exact_search_finds(
    config: ElasticConfig, name: str, passages: list[Passage], tmp_path: Path, minilm: SentenceEncoder
) -> None:
    passages = passages[:100]
    build_vectors(passages, tmp_path / "dense", MINILM, minilm)
    exact = DenseRetriever(tmp_path / "dense", encoder=minilm)
    load_index(passages, name, config, corpus="test", settings=SMALL, documents=Vectors(MINILM, minilm))
    graph = ElasticDenseRetriever(name, config, encoder=minilm)
    queries = [f"Who is {passage.title}?" for passage in passages[::2]]
    wanted, found = exact.search(queries, 5), graph.search(queries, 5)
    same = sum(len({hit.passage for hit in a} & {hit.passage for hit in b}) for a, b in zip(wanted, found, strict=True))
    assert same >= 0.99 * 5 * len(queries)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours[0].score == pytest.approx(theirs[0].score, abs=2e-3)
        assert [hit.rank for hit in ours] == list(range(5))
    alone = [graph.search([query], 5)[0] for query in queries[:5]]
    assert [[hit.passage for hit in hits] for hits in alone] == [[hit.passage for hit in hits] for hits in found[:5]]


def test_every_verb_finds_it_by_name_alone_and_beside_words(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    where = RetrievalConfig(index_name=name, elastic=config)
    try:
        made = index_all(str(PASSAGES), "elasticsearch+elasticsearch-dense", where)
        assert [one.num_passages for one in made.values()] == [len(passages)] * 2
        again = index_all(str(PASSAGES), "elasticsearch-dense", where)["elasticsearch-dense"]
        assert again.num_found == len(passages)
        retriever = open_retriever("elasticsearch+elasticsearch-dense", where)
        assert isinstance(retriever, Fusion)
        both, words, vectors = (
            open_retriever(one, where).search(["In what city was Juha Jokela born?"], 10)[0]
            for one in ("elasticsearch+elasticsearch-dense/names", "elasticsearch", "elasticsearch-dense")
        )
        assert both[0].passage.title == "Juha Jokela"
        assert {hit.passage for hit in both} & {hit.passage for hit in vectors} - {hit.passage for hit in words}
    finally:
        client.indices.delete(index=f"{name}.dense", ignore_unavailable=True)


def test_a_load_that_was_stopped_encodes_only_what_is_missing(
    config: ElasticConfig, name: str, passages: list[Passage]
) -> None:
    many = [Passage(f"{n}", f"{one.text} {n}", one.title) for n, one in enumerate(passages * 3)]
    many.append(Passage("last", "qqq zzz", "xyz"))
    with pytest.raises(CorruptError):
        loaded(many, name, config, Counting(fail_at=600), SMALL)
    with pytest.raises(UsageError, match="half built"):
        ElasticDenseRetriever(name, config, encoder=Counting())
    encoder = Counting()
    retriever = loaded(many, name, config, encoder, SMALL)
    assert retriever.num_passages == len(many)
    assert encoder.encoded < len(many) - 400
    assert retriever.search([f"{many[-1].title} {many[-1].text}"], 1)[0][0].passage == many[-1]


def test_the_command_that_makes_the_vectors_is_named(config: ElasticConfig, name: str) -> None:
    where = RetrievalConfig(index_name=name, elastic=config)
    command = f"semoe index --retriever elasticsearch-dense --index_name {name}`"
    with pytest.raises(UsageError, match=f"No index {name}.dense.*{command} first"):
        open_retriever("elasticsearch-dense", where)


@pytest.mark.slow
def test_an_index_knows_its_encoder_and_takes_it_under_another_name(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage], minilm: SentenceEncoder
) -> None:
    where = RetrievalConfig(index_name=name, elastic=config)
    folder = _place(MINILM)
    corpus = open_corpus(str(PASSAGES))
    corpus.file.close()
    try:
        with pytest.raises(CorruptError):
            load_index(
                passages, where.vectors_name, config, corpus=corpus.identity, settings=SMALL,
                documents=Vectors(folder, FailingAt(minilm, 270)),
            )  # fmt: skip
        (made,) = index_all(str(PASSAGES), "elasticsearch-dense", where).values()
        assert made.num_passages == len(passages) > made.num_found > 0, "it went on, with the encoder of before"
        by_another_name = RetrievalConfig(index_name=name, elastic=config, encoder=MINILM)
        assert open_retriever("elasticsearch-dense", by_another_name).search(["Juha Jokela"], 1)[0]
    finally:
        client.indices.delete(index=where.vectors_name, ignore_unavailable=True)


def test_equals_go_by_id(config: ElasticConfig, name: str) -> None:
    twins = [Passage(one, "zebra crossing", "Same") for one in ("10", "b", "9", "a10", "2")]
    retriever = loaded(twins, name, config, Counting())
    assert [hit.passage.id for hit in retriever.search(["zebra"], 5)[0]] == ["2", "9", "10", "a10", "b"]


@pytest.mark.parametrize("how", ["another size", "another model", "words"])
def test_an_index_of_another_encoder_is_refused(
    config: ElasticConfig, name: str, passages: list[Passage], how: str, minilm: SentenceEncoder
) -> None:
    class Other(Counting):
        def queries(self, texts: Sequence[str]) -> np.ndarray:
            return np.ascontiguousarray(super().queries(texts)[:, ::-1])

    if how == "words":
        load_index(passages[:5], name, config, corpus="test")
        with pytest.raises(UsageError, match="holds no vectors"):
            ElasticDenseRetriever(name, config, encoder=Counting())
        with pytest.raises(UsageError, match="holds no vectors"):
            loaded(passages[:5], name, config, Counting())
        return
    loaded(passages[:5], name, config, Counting())
    other = minilm if how == "another size" else Other()
    with pytest.raises(UsageError, match=r"has vectors of letters \(26 dimensions\), not of"):
        ElasticDenseRetriever(name, config, encoder=other)
    with pytest.raises(UsageError, match="has vectors of letters"):
        load_index(passages[:5], name, config, corpus="test", documents=Vectors("letters", other))
    with pytest.raises(UsageError, match="holds vectors"):
        load_index(passages[:5], name, config, corpus="test")
