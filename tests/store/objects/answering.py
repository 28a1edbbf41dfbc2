"""S3 as a server that gives every request one answer, for what a real one cannot be brought to say."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config

from semoe.store.objects.s3 import S3Objects
from tests.http_server import QuietHandler, answered_by
from tests.seaweed import client

IMPATIENT = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=1, read_timeout=1)


@contextmanager
def answering(status: int, code: str = "", promised: int | None = None) -> Iterator[tuple[S3Objects, list[str]]]:
    """Yields such a store and the verbs it was asked with; its answer may end short of its promised length."""
    seen: list[str] = []

    class Handler(QuietHandler):
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

    with answered_by(Handler) as address:
        yield S3Objects("bucket", client=client(address, config=IMPATIENT)), seen
