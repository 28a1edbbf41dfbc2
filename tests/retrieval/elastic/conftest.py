from collections.abc import Iterator
from itertools import count

import pytest
from elasticsearch import Elasticsearch

from semoe.retrieval.dpr import read_passages
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from tests.demo import PASSAGES

SMALL = LoadSettings(bulk_bytes=12_000, checkpoint_seconds=0.0)
"""Some ten bulks of the demo's passages, and a checkpoint after each."""
_numbers = count()


@pytest.fixture
def config(elasticsearch_url: str) -> ElasticConfig:
    return ElasticConfig(urls=(elasticsearch_url,))


@pytest.fixture
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    """The bare client, to look at what ours did."""
    with Elasticsearch(elasticsearch_url, max_retries=0) as client:
        yield client


@pytest.fixture
def name(client: Elasticsearch) -> Iterator[str]:
    """The name of an index that is not there yet."""
    name = f"semoe-test-{next(_numbers)}"
    client.indices.delete(index=name, ignore_unavailable=True)
    yield name
    client.options(request_timeout=60).indices.delete(index=name, ignore_unavailable=True)


@pytest.fixture(scope="session")
def passages() -> list[Passage]:
    return list(read_passages(PASSAGES))
