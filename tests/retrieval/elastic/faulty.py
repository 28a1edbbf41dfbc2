"""A proxy before a real node that lets it look busy: whole requests, or single items of a bulk or an msearch."""

import http.client
import json
import math
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.http_server import QuietHandler, answered_by

Refuse = Callable[[str, str], int]
"""From the request's last path segment and an item (a passage's id, a query; "" for all) to a status, or 0."""
TOO_LARGE = b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>nginx</body>\r\n</html>"
BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}


@contextmanager
def faulty(url: str, refuse: Refuse, tls: ssl.SSLContext | None = None, most_bytes: float = math.inf) -> Iterator[str]:
    """Yields the address of the proxy; an item that is refused never reaches the node.

    With `tls` it speaks https. What is larger than `most_bytes` it refuses with a page of its own, as nginx does.
    """
    target = urlsplit(url)

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            verb = urlsplit(self.path).path.rpartition("/")[2]
            status = refuse(verb, "")
            if len(body) > most_bytes:
                self.send_response(413)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(TOO_LARGE)))
                self.end_headers()
                self.wfile.write(TOO_LARGE)
            elif status:
                self.answer(status, json.dumps({"error": BUSY, "status": status}).encode())
            elif verb in ("_bulk", "_msearch"):
                self.answer(200, self.items(verb, body))
            else:
                self.answer(*self.ask(body))

        def ask(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("content-length", "host")}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            return answer.status, data

        def items(self, verb: str, body: bytes) -> bytes:
            lines = body.splitlines(keepends=True)
            pairs = [lines[start : start + 2] for start in range(0, len(lines), 2)]
            statuses = [refuse(verb, _item(verb, *pair)) for pair in pairs]
            passed = [pair for pair, status in zip(pairs, statuses, strict=True) if not status]
            answered = json.loads(self.ask(b"".join(map(b"".join, passed)))[1]) if passed else {}
            key = "items" if verb == "_bulk" else "responses"
            rest = iter(answered.get(key, ()))
            all_ = [_refused(verb, status) if status else next(rest) for status in statuses]
            return json.dumps({**answered, key: all_}).encode()

        def answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            if self.command == "HEAD":
                data = b""
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = forward

    with answered_by(Handler, tls) as address:
        yield address


def _item(verb: str, head: bytes, body: bytes) -> str:
    if verb == "_bulk":
        return str(json.loads(head)["create"]["_id"])
    return str(json.loads(body)["query"]["multi_match"]["query"])


def _refused(verb: str, status: int) -> dict[str, Any]:
    answer = {"status": status, "error": BUSY}
    return {"create": answer} if verb == "_bulk" else answer
