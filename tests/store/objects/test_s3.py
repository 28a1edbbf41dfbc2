"""What S3 may answer, from a real server where it can be had, else from one that answers just that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.config import Config

from semoe.errors import CorruptError, SemoeError, TransientError, UsageError
from semoe.store.objects import check_conditional_writes, open_objects
from semoe.store.objects.s3 import S3Objects
from tests.seaweed import client

QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=1)


@contextmanager
def answering(status: int, code: str = "", promised: int | None = None) -> Iterator[tuple[S3Objects, list[str]]]:
    """A server that gives every request one answer, and may cut it short of its promised length."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            seen.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = f"<Error><Code>{code}</Code></Error>".encode() if code else b"body" * (self.command == "GET")
            self.send_response(status)
            self.send_header("Content-Length", str(promised or len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_PUT = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield S3Objects("bucket", client=client(f"http://127.0.0.1:{server.server_port}", config=QUICK)), seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_missing_bucket_is_named(s3_endpoint: str) -> None:
    with pytest.raises(UsageError, match=r"NoSuchBucket.*create the bucket"):
        S3Objects("no-such-bucket", client=client(s3_endpoint)).get("a")


def test_a_range_beyond_the_end_is_corruption(s3_objects: S3Objects) -> None:
    s3_objects.put("short", b"abc")
    with pytest.raises(CorruptError, match="shorter than its index"):
        s3_objects.get("short", 10, 5)


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (503, "SlowDown", TransientError, "busy"),
        (500, "InternalError", TransientError, "busy"),
        (403, "AccessDenied", UsageError, "read and write on the prefix"),
        (400, "ExpiredToken", UsageError, "renew the credentials"),
        (501, "NotImplemented", UsageError, "conditional writes"),
    ],
)
def test_refusals_say_what_to_do(status: int, code: str, kind: type[SemoeError], words: str) -> None:
    with answering(status, code) as (objects, _), pytest.raises(kind, match=words):
        objects.create("a", b"x")


def test_a_busy_server_is_asked_again_before_giving_up() -> None:
    with answering(503, "SlowDown") as (objects, seen), pytest.raises(TransientError):
        objects.get("a")
    assert seen == ["GET", "GET"]


def test_a_conflict_is_tried_again_and_then_transient() -> None:
    with answering(409, "ConditionalRequestConflict") as (objects, seen), pytest.raises(TransientError, match="others"):
        objects.create("a", b"x")
    assert len(seen) == 5


def test_a_body_that_is_cut_short_is_transient() -> None:
    with answering(200, promised=100) as (objects, _), pytest.raises(TransientError, match="No answer"):
        objects.get("a")


def test_a_server_that_ignores_conditions_is_refused() -> None:
    with answering(200) as (objects, _), pytest.raises(UsageError, match="ignores conditional writes"):
        check_conditional_writes(objects)


def test_a_dead_endpoint_is_transient() -> None:
    objects = S3Objects("bucket", client=client("http://127.0.0.1:9", config=QUICK))
    with pytest.raises(TransientError, match="No answer"):
        objects.put("a", b"x")


@pytest.mark.parametrize("url", ["ftp://x/y", "s3://", "s3:///"])
def test_what_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no store"):
        open_objects(url)
