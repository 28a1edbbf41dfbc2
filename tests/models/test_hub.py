"""What the hub may answer: a server stands for it, and the library asks it as it would ask the real one."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from semoe.errors import TransientError, UsageError

COMMIT = "a" * 40
AWAY = 520
"""Of a hub in trouble; at 503 the library waits half a minute before it gives up, and ends the same."""
FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"12345678"}
ASK = """
import sys
from semoe.errors import SemoeError
from semoe.models.hub import cached
from semoe.models.names import resolve_model
try:
    print(cached("someone/model") if "cached" in sys.argv else resolve_model("someone/model"))
except SemoeError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Hub(ThreadingHTTPServer):
    """Serves one model; `refusals` has the status that it answers to paths with that in them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.refusals: dict[str, int] = {}
        self.files = dict(FILES)


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        refused = [status for part, status in self.server.refusals.items() if part in self.path]
        name = self.path.rpartition("/")[2]
        if refused:
            self.answer(refused[0], b"{}")
        elif "/tree/" in self.path:
            self.answer(200, json.dumps([entry(name, data) for name, data in self.server.files.items()]).encode())
        elif "/api/" in self.path:
            self.answer(200, json.dumps({"id": "someone/model", "sha": COMMIT, "siblings": []}).encode())
        else:
            self.answer(200 if name in self.server.files else 404, self.server.files.get(name, b""))

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("X-Error-Message", "Invalid credentials in Authorization header")
        for header, value in (("ETag", f'"{len(body)}"'), ("X-Repo-Commit", COMMIT), ("Content-Length", len(body))):
            self.send_header(header, str(value))
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")

    def log_message(self, *_: object) -> None:
        pass


def entry(name: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(data), "oid": name}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(hub: Hub, home: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """A process of its own: the library reads its settings when it is imported."""
    own = {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(home), "HF_HUB_OFFLINE": "0",
        "HF_TOKEN": "hf_wrong", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    command = [sys.executable, "-c", ASK, *arguments]
    variables = os.environ | own | variables
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_model_comes_with_all_its_files_and_then_without_the_hub(hub: Hub, tmp_path: Path) -> None:
    code, said = ask(hub, tmp_path)
    assert code == 0, said
    folder = Path(said.splitlines()[0])
    assert {path.name for path in folder.iterdir()} == set(FILES)
    hub.refusals["/"] = AWAY
    assert ask(hub, tmp_path)[0] == 0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_token_is_the_users_mistake(hub: Hub, tmp_path: Path, status: int) -> None:
    hub.refusals["/"] = status
    code, said = ask(hub, tmp_path)
    assert code == UsageError.exit_code, said
    assert "HF_TOKEN" in said


@pytest.mark.parametrize("forgets_the_list", [False, True])
def test_half_a_model_of_an_earlier_attempt_is_tried_again(hub: Hub, tmp_path: Path, forgets_the_list: bool) -> None:
    hub.refusals["model.safetensors"] = AWAY
    code, said = ask(hub, tmp_path)
    assert code == TransientError.exit_code, said
    if forgets_the_list:  # as releases of the library do that keep none
        for path in tmp_path.rglob("trees/*"):
            path.unlink()
    hub.refusals["/"] = AWAY
    code, said = ask(hub, tmp_path)
    assert code == TransientError.exit_code, said
    code, said = ask(hub, tmp_path, HF_HUB_OFFLINE="1")
    assert code == UsageError.exit_code, said
    assert "HF_HUB_OFFLINE" in said
    hub.refusals["/"] = 401
    assert ask(hub, tmp_path)[0] == UsageError.exit_code
    hub.refusals.clear()
    assert ask(hub, tmp_path)[0] == 0


def test_a_model_without_safetensors_is_left_to_the_loader_to_name(hub: Hub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    assert ask(hub, tmp_path)[0] == 0


def test_the_same_weights_in_other_forms_stay_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    small = {"special_tokens_map.json": b"{}", "added_tokens.json": b"{}"}
    hub.files |= small | {"consolidated.safetensors": b"1234", "original/model.safetensors": b"1", "onnx/token": b"1"}
    code, said = ask(hub, tmp_path)
    assert code == 0, said
    folder = Path(said.splitlines()[0])
    assert {path.name for path in folder.rglob("*") if path.is_file()} == set(FILES) | set(small)


def test_a_whole_model_in_the_cache_is_found_without_asking_the_hub(hub: Hub, tmp_path: Path) -> None:
    assert ask(hub, tmp_path, "cached")[1].strip() == "None"
    folder = Path(ask(hub, tmp_path)[1].splitlines()[0])
    hub.refusals["/"] = AWAY
    assert ask(hub, tmp_path, "cached")[1].strip() == str(folder)
    (folder / "model.safetensors").unlink()
    assert ask(hub, tmp_path, "cached")[1].strip() == "None"
