"""The loader, the node, or the way between them dies in the middle of a load: it goes on, and nothing is missing."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from elasticsearch import Elasticsearch, NotFoundError

from semoe.errors import TransientError, UsageError
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from tests.demo import PASSAGES
from tests.elasticsearch_node import Node
from tests.proxy import proxy
from tests.retrieval.elastic.conftest import SMALL
from tests.retrieval.elastic.faulty import faulty

SLOW_LOADER = """
import sys, time
from pathlib import Path
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.dpr import read_passages

def slowly(passages):
    for number, passage in enumerate(passages):
        time.sleep(0.02)
        yield passage

url, name, path = sys.argv[1:]
settings = LoadSettings(bulk_bytes=8_000, checkpoint_seconds=0.0)
load_index(slowly(read_passages(Path(path))), name, ElasticConfig(urls=(url,)), corpus="demo", settings=settings)
"""


def num_kept(client: Elasticsearch, name: str) -> int:
    """The checkpoint, as the index has it."""
    try:
        return int(client.indices.get_mapping(index=name)[name]["mappings"]["_meta"]["semoe"]["num_passages"])
    except NotFoundError:
        return 0


def test_a_loader_killed_with_9_is_followed_by_one_that_goes_on(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW_LOADER, config.urls[0], name, PASSAGES]) as loader:
        until = time.monotonic() + 60
        while num_kept(client, name) < 50 and time.monotonic() < until:
            time.sleep(0.02)
        loader.send_signal(signal.SIGKILL)
    with pytest.raises(UsageError, match=r"half built \(\d+ passages"):
        ElasticRetriever(name, config)
    loaded = load_index(passages, name, config, corpus="demo", settings=SMALL)
    assert 50 <= loaded.num_found < loaded.num_passages
    assert client.count(index=name)["count"] == loaded.num_passages == len(passages)


def test_a_node_killed_in_the_middle_is_waited_for_and_nothing_is_missing(
    elasticsearch_node: Node, name: str, passages: list[Passage]
) -> None:
    config = ElasticConfig(urls=(elasticsearch_node.url,), patience_seconds=120)
    restart = threading.Thread(target=elasticsearch_node.start)

    def crashed() -> Iterator[Passage]:
        yield from passages[:150]
        elasticsearch_node.stop("KILL")
        restart.start()
        yield from passages[150:]

    loaded = load_index(crashed(), name, config, corpus="demo", settings=SMALL)
    restart.join()
    assert loaded.num_passages == len(passages)
    assert ElasticRetriever(name, config).search([passages[0].title], 1)[0][0].score > 0


def test_the_checkpoint_never_passes_a_batch_that_is_missing(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    """The third batch stays busy while all that come after it are taken."""
    stuck = passages[30].id
    with faulty(config.urls[0], lambda verb, item: 429 if (verb, item) == ("_bulk", stuck) else 0) as url:
        impatient = ElasticConfig(urls=(url,), patience_seconds=1.0)
        with pytest.raises(TransientError, match="keeps refusing 1 passage of"):
            load_index(passages, name, impatient, corpus="demo", settings=SMALL)
    kept = num_kept(client, name)
    client.indices.refresh(index=name)
    assert 0 < kept <= 30
    assert client.count(index=name)["count"] > kept + 10
    sent = list[str]()
    with faulty(config.urls[0], lambda _, item: sent.append(item) or 0) as url:  # type: ignore[func-returns-value]
        loaded = load_index(passages, name, ElasticConfig(urls=(url,)), corpus="demo", settings=SMALL)
    assert (loaded.num_found, loaded.num_passages) == (kept, len(passages))
    assert {item for item in sent if item} == {passage.id for passage in passages[kept:]}


def test_answers_that_get_lost_neither_break_nor_double_anything(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage]
) -> None:
    """The index is made, its passages and its notes written, but each time the first answer is lost."""
    heard = set[str]()

    def lose_the_first(method: str, path: str) -> str:
        what = f"{method} {path}"
        lost = what not in heard and method in ("PUT", "POST")
        heard.add(what)
        return "lose" if lost else ""

    with proxy(config.urls[0], lose_the_first) as url:
        loaded = load_index(passages, name, replace(config, urls=(url,)), corpus="demo", settings=LoadSettings())
    assert len(heard) > 6
    assert loaded.num_passages == client.count(index=name)["count"] == len(passages)
    stats = client.indices.stats(index=name)["_all"]["primaries"]
    assert stats["docs"]["deleted"] == 0
