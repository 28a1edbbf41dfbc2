"""What is no Elasticsearch 9, or stands before it: named as what it is, or lived with.

Servers that cannot be had here are played by the answers that they give to a client of Elasticsearch 9.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from semoe.errors import SemoeError, TransientError, UsageError
from semoe.retrieval.elastic.check import check_elasticsearch
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from tests.http_server import QuietHandler, answered_by
from tests.retrieval.elastic.faulty import faulty

SIGNED = {"X-Elastic-Product": "Elasticsearch"}


def page(title: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


def media_type(why: str) -> dict[str, Any]:
    told = {"type": "media_type_header_exception", "reason": "Invalid media-type value on headers [Accept]"}
    return {"error": told | {"root_cause": [told], "caused_by": {"type": "status_exception", "reason": why}}}


def about(number: str, **more: str) -> dict[str, Any]:
    return {"name": "n", "cluster_name": "c", "version": {"number": number} | more, "tagline": "You Know, for Search"}


@contextmanager
def playing(status: int, body: object, root: object = None, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Yields the address of a server with one answer to all but `GET /` that takes anything (`root`)."""

    class Handler(QuietHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_root = root is not None and self.path == "/" and self.headers["Accept"] == "*/*"
            said = root if is_root else body
            data = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(200 if is_root else status)
            self.send_header("Content-Type", "text/html" if isinstance(said, str) else "application/json")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    with answered_by(Handler) as address:
        yield address


OLD = media_type("Accept version must be either version 8 or 7, but found 9.")
NOT_ACCEPTED = {"error": "Content-Type header [application/vnd.elasticsearch+json; compatible-with=9] is not supported"}


@pytest.mark.parametrize(
    ("server", "kind", "words"),
    [
        ((400, OLD, about("8.19.2"), SIGNED), UsageError, r"Elasticsearch 8\.19\.2 answers.*Elasticsearch 9 is needed"),
        ((400, OLD, None, SIGNED), UsageError, "Elasticsearch 8 answers.*9 is needed"),
        ((406, NOT_ACCEPTED, about("7.10.2"), None), UsageError, r"Elasticsearch 7\.10\.2 answers"),
        ((406, NOT_ACCEPTED, about("3.1.0", distribution="opensearch"), None), UsageError, r"OpenSearch 3\.1\.0"),
        ((415, NOT_ACCEPTED, about("2.19.0", distribution="opensearch"), None), UsageError, r"OpenSearch 2\.19\.0"),
        ((200, about("2.19.0", distribution="opensearch"), None, None), UsageError, r"OpenSearch 2\.19\.0"),
        ((200, page("Welcome to nginx!"), None, None), UsageError, "not Elasticsearch .it says 200: Welcome to nginx!"),
        ((404, page("404 Not Found"), None, None), UsageError, "not Elasticsearch .it says 404: 404 Not Found"),
        ((405, page("405 Not Allowed"), None, None), UsageError, "not Elasticsearch"),
        ((404, {"detail": "Not Found"}, None, None), UsageError, "not Elasticsearch"),
        ((401, page("401 Authorization Required"), None, None), UsageError, "SEMOE_ES_PASSWORD"),
        ((403, page("403 Forbidden"), None, None), UsageError, "forbids"),
        ((502, page("502 Bad Gateway"), None, None), TransientError, "502: (no reason given|502 Bad Gateway)"),
        ((503, page("503 Service Unavailable"), None, None), TransientError, "busy or in trouble"),
    ],
    ids=lambda value: f"{value[0]} {json.dumps(value[1])[:40]}" if isinstance(value, tuple) else "",
)
def test_what_answers_is_named(server: tuple[Any, ...], kind: type[SemoeError], words: str) -> None:
    with playing(*server) as url:
        config = ElasticConfig(urls=(url,), patience_seconds=0.1)
        calls = [
            lambda: ElasticRetriever("wiki", config),
            lambda: load_index([Passage("1", "a", "b")], "wiki", config, corpus="c"),
            lambda: check_elasticsearch(config),
        ]
        for call in calls:
            with pytest.raises(kind, match=words) as caught:
                call()
            assert "<" not in str(caught.value)


def test_https_where_http_is_spoken_is_the_users_mistake() -> None:
    with playing(200, {}) as url, pytest.raises(UsageError, match="speaks http, not https"):
        ElasticRetriever("wiki", ElasticConfig(urls=(url.replace("http:", "https:"),)))


def test_requests_are_halved_until_a_gateway_takes_them(
    config: ElasticConfig, client: Elasticsearch, name: str, passages: list[Passage], caplog: pytest.LogCaptureFixture
) -> None:
    seen = Counter[str]()

    def count(verb: str, item: str) -> int:
        seen[verb] += not item
        return 0

    with faulty(config.urls[0], count, most_bytes=20_000) as url:
        behind = ElasticConfig(urls=(url,))
        settings = LoadSettings(bulk_bytes=100_000, num_threads=1)
        made = load_index(passages, name, behind, corpus="demo", settings=settings)
        assert made.num_passages == client.count(index=name)["count"] == len(passages)
        assert seen["_bulk"] < 20, "what was learnt holds for all that follow"
        assert caplog.text.count("Requests are halved; --bulk_bytes") == 1
        queries = [passage.text[:900] for passage in passages[:40]]
        assert ElasticRetriever(name, behind).search(queries, 3) == ElasticRetriever(name, config).search(queries, 3)


def test_a_passage_that_is_too_large_alone_is_named(config: ElasticConfig, name: str) -> None:
    with faulty(config.urls[0], lambda *_: 0, most_bytes=5_000) as url, pytest.raises(UsageError) as caught:
        load_index(
            [Passage("1", "a", "b"), Passage("2", "long " * 2000, "c")], name, ElasticConfig(urls=(url,)), corpus="c"
        )
    assert "Passage '2' makes a request of" in str(caught.value)
    assert "413 Request Entity Too Large" in str(caught.value)
