"""Searching: the published query, ties, batches, and what is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from semoe.errors import UsageError
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import retrievers


def loaded(
    passages: list[Passage], name: str, config: ElasticConfig, settings: LoadSettings | None = None
) -> ElasticRetriever:
    load_index(passages, name, config, corpus="test", settings=settings)
    return ElasticRetriever(name, config)


def test_hits_and_scores_are_those_of_the_published_query(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    retriever, query = loaded(passages, name, config), "In what city was Juha Jokela born?"
    published = {"query": query, "type": "best_fields", "fields": ["title", "txt"], "tie_breaker": 0.5}
    direct = client.search(index=name, query={"multi_match": published}, search_type="dfs_query_then_fetch", size=10)
    hits = retriever.search([query], 10)[0]
    assert hits[0].passage.title == "Juha Jokela"
    assert [hit.rank for hit in hits] == list(range(10))
    assert [hit.score for hit in hits] == pytest.approx([hit["_score"] for hit in direct["hits"]["hits"]])
    original = {passage.id: passage for passage in passages}
    assert all(hit.passage == original[hit.passage.id] for hit in hits)


def test_a_batch_answers_as_its_queries_one_by_one(config: ElasticConfig, name: str, passages: list[Passage]) -> None:
    retriever = loaded(passages, name, config)
    queries = [f"Who was {passage.title}?" for passage in passages[:130]] + ["", "the of and", "qqqqzz"]
    together = retriever.search(queries, 5)
    assert together == [retriever.search([query], 5)[0] for query in queries]
    assert together[-3:] == [[], [], []]
    assert all(0 < len(hits) <= 5 for hits in together[:-3])
    assert retriever.search([], 5) == []


@pytest.mark.parametrize("num_shards", [1, 3])
def test_ties_at_the_cut_go_by_id_as_in_the_embedded_index(
    config: ElasticConfig, name: str, tmp_path: Path, num_shards: int
) -> None:
    ids = ["10", "b", "9", "a10", "2", "a9", "B", str((1 << 62) - 1), "é"]
    twins = [Passage(passage_id, "zebra crossing", "Same") for passage_id in ids]
    others = [Passage(f"1000{n}", f"other words number {n}", "Other") for n in range(30)]
    build_index([*others, *twins], tmp_path / "index")
    embedded = Bm25Retriever(tmp_path / "index")
    # Small bulks: the twins lie in several segments.
    settings = LoadSettings(num_shards=num_shards, bulk_bytes=300)
    retriever = loaded([*twins[:5], *others, *twins[5:]], name, config, settings)
    for k in range(1, len(ids) + 2):
        found, expected = (r.search(["zebra"], k)[0] for r in (retriever, embedded))
        assert [hit.passage.id for hit in found] == [hit.passage.id for hit in expected]
        assert len({hit.score for hit in found}) == 1


def test_a_passage_scores_the_same_wherever_it_lies(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    queries = [passage.title for passage in passages[::9]]
    one = loaded(passages, name, config).search(queries, 10)
    client.indices.delete(index=name)
    three = loaded(passages, name, config, LoadSettings(num_shards=3)).search(queries, 10)
    assert [[hit.passage.id for hit in hits] for hits in one] == [[hit.passage.id for hit in hits] for hits in three]
    scores = [[[hit.score for hit in hits] for hits in found] for found in (one, three)]
    for ours, theirs in zip(*scores, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_it_is_opened_by_name_with_settings_of_the_environment(
    config: ElasticConfig, name: str, passages: list[Passage], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(passages, name, config)
    monkeypatch.setenv("SEMOE_ES_URL", config.urls[0])
    retriever = retrievers["elasticsearch"](RetrievalConfig(index_dir=Path("index"), index_name=name))
    assert retriever.search([passages[3].title], 1)[0]


def test_a_missing_index_is_named_with_the_cure(config: ElasticConfig) -> None:
    with pytest.raises(UsageError, match=r"No index nowhere .* Run `semoe index --retriever elasticsearch"):
        ElasticRetriever("nowhere", config)
    with pytest.raises(UsageError, match="exactly one index"):
        ElasticRetriever("semoe-*-nowhere", config)


def test_a_request_that_can_never_succeed_names_the_query(
    config: ElasticConfig, name: str, passages: list[Passage]
) -> None:
    with pytest.raises(UsageError, match=r"Result window is too large.*The query was 'Juha Jokela'"):
        loaded(passages, name, config).search(["Juha Jokela"], 10_001)


def test_who_uses_the_embedded_index_does_not_load_the_client() -> None:
    check = "import sys, semoe.retrieval; sys.exit('elasticsearch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
