"""Loading an index: its layout, and what happens when the loader, or what it reads, is not as it should be."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from semoe.errors import UsageError
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from tests.retrieval.elastic.conftest import SMALL


def test_an_index_is_laid_out_as_published_and_every_passage_counted(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    settings = LoadSettings(bulk_bytes=8_000, num_shards=2, num_replicas=1, refresh_interval="7s")
    during = dict[str, str]()

    def watched() -> Iterator[Passage]:
        for passage in passages:
            if passage is passages[100]:
                during.update(index_settings(client, name))
            yield passage

    loaded = load_index(watched(), name, config, corpus="demo", settings=settings)
    assert asdict(loaded) == {"num_passages": len(passages), "num_found": 0}
    assert client.count(index=name)["count"] == len(passages)
    assert (during["refresh_interval"], during["number_of_replicas"]) == ("-1", "0")
    after = index_settings(client, name)
    assert [after[key] for key in ("refresh_interval", "number_of_replicas", "number_of_shards")] == ["7s", "1", "2"]
    mapping = client.indices.get_mapping(index=name)[name]["mappings"]
    assert {field: mapping["properties"][field] for field in ("txt", "title")} == {
        "txt": {"type": "text", "analyzer": "english"},
        "title": {"type": "text", "analyzer": "english"},
    }
    source = client.get(index=name, id=passages[7].id)["_source"]
    assert (source["txt"], source["title"]) == (passages[7].text, passages[7].title)
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping_exception"):
        client.index(index=name, document={"txt": "a", "surprise": 1})


def index_settings(client: Elasticsearch, name: str) -> dict[str, str]:
    return dict(client.indices.get_settings(index=name)[name]["settings"]["index"])


def test_a_complete_index_is_left_alone(config: ElasticConfig, name: str, passages: list[Passage]) -> None:
    load_index(passages, name, config, corpus="demo")

    def never() -> Iterator[Passage]:
        raise AssertionError("the passages were read again")
        yield

    again = load_index(never(), name, config, corpus="demo")
    assert (again.num_passages, again.num_found) == (len(passages), len(passages))


def test_another_corpus_under_the_same_name_is_refused(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    load_index(passages[:5], name, config, corpus="five of the demo")
    with pytest.raises(UsageError, match=rf"holds 'five of the demo', not 'demo'.*curl -X DELETE .*/{name}"):
        load_index(passages, name, config, corpus="demo")
    assert client.count(index=name)["count"] == 5


def test_an_index_that_others_made_is_neither_filled_nor_searched(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    client.indices.create(index=name)
    with pytest.raises(UsageError, match="was not made by"):
        load_index(passages, name, config, corpus="demo")
    with pytest.raises(UsageError, match="was not made by"):
        ElasticRetriever(name, config)
    assert client.count(index=name)["count"] == 0


def test_a_stopped_load_goes_on_and_ends_with_the_same_answers(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    queries = [passage.title for passage in passages[::10]]
    load_index(passages, name, config, corpus="demo")
    expected = ElasticRetriever(name, config).search(queries, 10)
    client.indices.delete(index=name)

    def stopped() -> Iterator[Passage]:
        yield from passages[:200]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_index(stopped(), name, config, corpus="demo", settings=replace(SMALL, num_threads=1))
    with pytest.raises(UsageError, match=r"half built \(\d+ passages of demo so far\)"):
        ElasticRetriever(name, config)
    loaded = load_index(passages, name, config, corpus="demo", settings=SMALL)
    assert loaded.num_passages == len(passages)
    assert 50 < loaded.num_found <= 200
    assert ElasticRetriever(name, config).search(queries, 10) == expected


def test_an_id_that_occurs_twice_is_an_error_not_a_smaller_index(
    config: ElasticConfig, name: str, passages: list[Passage]
) -> None:
    with pytest.raises(UsageError, match=r"holds 5 passages, and 6 were sent of demo\. Either ids occur twice"):
        load_index([*passages[:5], passages[2]], name, config, corpus="demo")
    with pytest.raises(UsageError, match="half built"):
        ElasticRetriever(name, config)


def test_a_passage_that_is_refused_for_good_is_named(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    def blocked() -> Iterator[Passage]:
        yield from passages[:5]
        client.indices.put_settings(index=name, settings={"blocks.write": True})
        yield passages[5]

    with pytest.raises(UsageError, match=rf"refuses passage '{passages[0].id}' for index {name} .*403.*blocked by"):
        load_index(blocked(), name, config, corpus="demo")


def test_a_missing_or_broken_file_leaves_no_index_behind(
    config: ElasticConfig, client: Elasticsearch, name: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.tsv").write_text("id\ttext\n")
    for path in (tmp_path / "missing.tsv", tmp_path / "broken.tsv"):
        with pytest.raises(UsageError, match=path.name):
            load_index(read_passages(path), name, config, corpus="demo")
    assert not client.indices.exists(index=name)


def test_a_name_that_elasticsearch_forbids_is_a_usage_error(config: ElasticConfig, passages: list[Passage]) -> None:
    with pytest.raises(UsageError, match="must be lowercase"):
        load_index(passages, "Wiki", config, corpus="demo")
