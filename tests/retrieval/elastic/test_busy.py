"""A cluster that is busy, away, or something else: waited for while that makes sense, and then said."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from semoe.errors import TransientError, UsageError
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.retrieval.passage import Passage
from semoe.telemetry.counting import metrics
from tests.retrieval.elastic.conftest import SMALL
from tests.retrieval.elastic.faulty import faulty


def at_first(times: int, chosen: Callable[[str, str], int], seen: Counter[tuple[str, str]]) -> Callable[..., int]:
    """Refuses what `chosen` says, so many times each, and counts what comes."""

    def refuse(verb: str, item: str) -> int:
        seen[verb, item] += 1
        return chosen(verb, item) if seen[verb, item] <= times else 0

    return refuse


@pytest.mark.parametrize("status", [429, 503])
def test_only_the_refused_passages_of_a_bulk_are_sent_again(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage], status: int
) -> None:
    refused, seen = {passage.id for passage in passages[::40]}, Counter[tuple[str, str]]()
    some = at_first(2, lambda verb, item: status if verb == "_bulk" and item in refused else 0, seen)
    with faulty(config.urls[0], some) as url:
        load_index(passages, name, ElasticConfig(urls=(url,)), corpus="demo", settings=SMALL)
    assert client.count(index=name)["count"] == len(passages)
    assert {seen["_bulk", passage.id] for passage in passages if passage.id in refused} == {3}
    assert {seen["_bulk", passage.id] for passage in passages if passage.id not in refused} == {1}


def test_each_attempt_is_counted_by_its_outcome(config: ElasticConfig, name: str, passages: list[Passage]) -> None:
    def counted() -> dict[tuple[str, str], float]:
        samples = next(iter(metrics.elasticsearch_requests.collect())).samples
        totals = [sample for sample in samples if sample.name.endswith("_total")]
        return {(sample.labels["operation"], sample.labels["outcome"]): sample.value for sample in totals}

    before, seen = counted(), Counter[tuple[str, str]]()
    with faulty(config.urls[0], at_first(2, lambda verb, item: 503 * (verb == "_bulk" and not item), seen)) as url:
        load_index(passages[:20], name, ElasticConfig(urls=(url,)), corpus="demo")
        ElasticRetriever(name, ElasticConfig(urls=(url,))).search(["a query"], 1)
    grown = {labels: value - before.get(labels, 0) for labels, value in counted().items()}
    assert [grown[labels] for labels in (("bulk", "es-busy"), ("bulk", "ok"), ("search", "ok"))] == [2, 1, 1]
    assert grown["manage", "ok"] >= 5


@pytest.mark.parametrize("status", [429, 503])
def test_whole_requests_are_sent_again(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage], status: int
) -> None:
    seen = Counter[tuple[str, str]]()
    with faulty(config.urls[0], at_first(1, lambda _, item: 0 if item else status, seen)) as url:
        load_index(passages[:20], name, ElasticConfig(urls=(url,)), corpus="demo")
        assert ElasticRetriever(name, ElasticConfig(urls=(url,))).search([passages[0].title], 1)[0]
    assert {verb for verb, item in seen if not item} >= {name, "_bulk", "_settings", "_mapping", "_count", "_msearch"}


def test_busy_answers_of_single_queries_are_asked_again(
    config: ElasticConfig, name: str, passages: list[Passage]
) -> None:
    load_index(passages, name, config, corpus="demo")
    queries = [passage.title for passage in passages[:9]]
    expected = ElasticRetriever(name, config).search(queries, 3)
    seen = Counter[tuple[str, str]]()
    with faulty(config.urls[0], at_first(2, lambda _, item: 429 if item in queries[::4] else 0, seen)) as url:
        assert ElasticRetriever(name, ElasticConfig(urls=(url,))).search(queries, 3) == expected
    assert [seen["_msearch", query] for query in queries[:5]] == [3, 1, 1, 1, 3]


def test_one_that_stays_busy_is_told_in_time(config: ElasticConfig, name: str, passages: list[Passage]) -> None:
    load_index(passages[:20], name, config, corpus="demo")
    for refuse in (
        lambda verb, item: 429 * (verb == "_msearch" and bool(item)),
        lambda verb, _: 503 * (verb == "_msearch"),
    ):
        with faulty(config.urls[0], refuse) as url:
            retriever = ElasticRetriever(name, ElasticConfig(urls=(url,), patience_seconds=1.0))
            start = time.monotonic()
            with pytest.raises(TransientError, match="queue is full") as caught:
                retriever.search(["anything"], 1)
            assert time.monotonic() - start < 10
            assert caught.value.exit_code == 75


def test_an_address_where_nobody_answers_is_told_soon(passages: list[Passage]) -> None:
    config = ElasticConfig(urls=("http://127.0.0.1:9",))
    for attempt in (lambda: ElasticRetriever("wiki", config), lambda: load_index(passages, "wiki", config, corpus="a")):
        start = time.monotonic()
        with pytest.raises(TransientError, match=r"No answer from Elasticsearch at http://127.0.0.1:9 .*--es_url"):
            attempt()
        assert time.monotonic() - start < 15


def test_of_two_addresses_one_that_answers_is_enough(config: ElasticConfig, name: str, passages: list[Passage]) -> None:
    both = ElasticConfig(urls=("http://127.0.0.1:9", config.urls[0]))
    load_index(passages[:20], name, both, corpus="demo")
    assert ElasticRetriever(name, both).search([passages[0].title], 1)[0]


def test_something_else_at_the_address_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "wiki").write_text("a page")
    with other_server(tmp_path) as url, pytest.raises(UsageError, match="is not Elasticsearch"):
        ElasticRetriever("wiki", ElasticConfig(urls=(url,)))


@contextmanager
def other_server(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
