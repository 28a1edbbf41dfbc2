"""A proxy before a real S3 server that lets chosen answers get lost, come late, or end early."""

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.http_server import QuietHandler, answered_by

Fault = Callable[[str, str], str]
"""From method and path to `lose`, `slow`, `cut`, or nothing."""
SLOW_SECONDS = 3.0


@contextmanager
def proxy(endpoint: str, fault: Fault) -> Iterator[str]:
    """Yields the address of a proxy to `endpoint`."""
    target = urlsplit(endpoint)

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            what = fault(self.command, self.path)
            if what == "lose":
                self.close_connection = True
                return
            if what == "slow":
                time.sleep(SLOW_SECONDS)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(data[: len(data) // 2] if what == "cut" else data)
            self.close_connection = what == "cut"

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = forward

        def handle_expect_100(self) -> bool:
            self.send_response_only(100)
            self.end_headers()
            return True

    with answered_by(Handler) as address:
        yield address
