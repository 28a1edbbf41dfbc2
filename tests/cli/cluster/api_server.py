"""A small HTTP server that answers as a cluster's API server does, to put the real client library to the test."""

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http_server import running

NAMESPACE = "lab"
MERGE_PATCH = "application/merge-patch+json"
Json = dict[str, Any]


class ApiServer(ThreadingHTTPServer):
    """Keeps workflows and pod logs in memory; there is one namespace."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.workflows: dict[str, Json] = {}
        self.templates: list[Json] = []
        self.logs: dict[str, bytes] = {}


@contextlib.contextmanager
def api_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """Starts one that the current kubeconfig names."""
    server = ApiServer()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": NAMESPACE}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    # The library reads the variable once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    with running(server):
        yield server


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_GET(self) -> None:
        kind, name = self._what()
        if kind == "workflows" and not name:
            self._say(200, {"items": [one for one in self.server.workflows.values() if self._asked_for(one)]})
        elif kind == "workflowtemplates":
            self._say(200, {"items": self.server.templates})
        elif kind == "workflows" and name in self.server.workflows:
            self._say(200, self.server.workflows[name])
        elif kind == "log" and name in self.server.logs:
            self._send(200, "text/plain", self.server.logs[name])
        else:
            self._not_found(name)

    def do_POST(self) -> None:
        made = self._body()
        meta = made["metadata"] | {"namespace": NAMESPACE, "creationTimestamp": "2026-11-28T12:00:00Z"}
        name = f"{meta['generateName']}{len(self.server.workflows):05}"
        self.server.workflows[name] = made | {"metadata": meta | {"name": name}}
        self._say(201, self.server.workflows[name])

    def do_PATCH(self) -> None:
        """Custom resources know no strategic merge."""
        _, name = self._what()
        if self.headers["Content-Type"] != MERGE_PATCH:
            self._say(415, {"kind": "Status", "message": "the body of the request was in an unknown format"})
        elif name not in self.server.workflows:
            self._not_found(name)
        else:
            self.server.workflows[name] = _merged(self.server.workflows[name], self._body())
            self._say(200, self.server.workflows[name])

    def _what(self) -> tuple[str, str]:
        """…/namespaces/lab/workflows[/name], …/namespaces/lab/pods/name/log."""
        _, _, rest = urlsplit(self.path).path.partition(f"/namespaces/{NAMESPACE}/")
        kind, name, *log = [*rest.split("/"), ""][:3]
        return ("log" if log == ["log"] else kind), name

    def _asked_for(self, workflow: Json) -> bool:
        wanted = parse_qs(urlsplit(self.path).query).get("labelSelector", [""])[0]
        labels = workflow["metadata"].get("labels", {})
        return all(labels.get(one.partition("=")[0]) == one.partition("=")[2] for one in wanted.split(",") if one)

    def _body(self) -> Json:
        found: Json = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _not_found(self, name: str) -> None:
        self._say(404, {"kind": "Status", "status": "Failure", "message": f"{name} not found", "code": 404})

    def _say(self, status: int, found: Json) -> None:
        self._send(status, "application/json", json.dumps(found).encode())

    def _send(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386: null takes a key away."""
    if not isinstance(patch, dict):
        return patch
    kept = old if isinstance(old, dict) else {}
    changed = {key: _merged(kept.get(key), value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in kept.items() if key not in patch} | changed
