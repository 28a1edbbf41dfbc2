#!/usr/bin/env bash
# `snapshot_download` tells a partial snapshot from a whole one only if an earlier `snapshot_download` had begun it.
#
# Versions: huggingface_hub 2.4.0; httpx2 2.16.2; Python 3.11.
#
# Behaviour: one file of a model of three is in the cache. Then the hub is away (503), refuses the token (401), is not
# asked (HF_HUB_OFFLINE=1) or is not there (connection refused). Where `hf_hub_download` brought that file, as it does
# whenever someone reads a config or a tokenizer, `snapshot_download` returns the folder with that one file, as if it
# were the model. Where `snapshot_download(allow_patterns=...)` brought the very same file, it raises
# IncompleteSnapshotError. Even a snapshot asked for with allow_patterns="*.safetensors" "succeeds" without any weights.
#
# Why it surprises: the documentation says that IncompleteSnapshotError is raised if the hub cannot be reached and the
# cached snapshot lacks requested files. It holds only where the cache has the list of the repository's files
# (trees/COMMIT.json), which `snapshot_download` writes and `hf_hub_download` does not. There is no warning, so a wrong
# token (401) on a machine where somebody once read the model's config looks like a download that succeeded.
# The way out: look for the files that the model must have, whatever `snapshot_download` says.
#
# Seen (cached by, then the hub, then the call's patterns):
#   hf_hub_download    503      None             -> returns ['config.json']
#   hf_hub_download    503      *.safetensors    -> returns ['config.json']
#   hf_hub_download    401      None             -> returns ['config.json']
#   hf_hub_download    offline  None             -> returns ['config.json']
#   hf_hub_download    refused  None             -> returns ['config.json']
#   snapshot_download  503      None             -> raises IncompleteSnapshotError
#   snapshot_download  503      *.safetensors    -> raises IncompleteSnapshotError
#   snapshot_download  401      None             -> raises IncompleteSnapshotError
#   snapshot_download  offline  None             -> raises IncompleteSnapshotError
#   snapshot_download  refused  None             -> raises IncompleteSnapshotError
#   warnings: none
#
# Exits with 0 if all this is still so. The hub is a server on 127.0.0.1.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/ask.py" <<'PY'
"""Asks the hub that HF_ENDPOINT names; a process of its own, since the library reads its settings at import."""

import os
import sys

from huggingface_hub import hf_hub_download, snapshot_download

task, pattern = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
if task == "hf_hub_download":
    hf_hub_download("someone/model", "config.json")
else:
    try:
        print("returns", sorted(os.listdir(snapshot_download("someone/model", allow_patterns=pattern))))
    except OSError as error:
        print("raises", type(error).__name__)
PY

cat > "$folder/partial_snapshot.py" <<'PY'
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40
FILES = {"config.json": b"{}", "tokenizer.json": b"{ }", "model.safetensors": b"12345678"}
ASK = Path(__file__).with_name("ask.py")


class Hub(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if Hub.status != 200:
            self.answer(Hub.status, b"{}")
        elif "/tree/" in self.path:
            entries = [{"type": "file", "path": n, "size": len(data), "oid": n} for n, data in FILES.items()]
            self.answer(200, json.dumps(entries).encode())
        elif "/api/models/" in self.path:
            siblings = [{"rfilename": n} for n in FILES]
            self.answer(200, json.dumps({"id": "someone/model", "sha": COMMIT, "siblings": siblings}).encode())
        else:
            self.answer(200 if name in FILES else 404, FILES.get(name, b""))

    do_HEAD = do_GET

    def answer(self, status, body):
        self.send_response(status)
        for header, value in (("ETag", f'"{len(body)}"'), ("X-Repo-Commit", COMMIT), ("Content-Length", len(body))):
            self.send_header(header, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
gone = ThreadingHTTPServer(("127.0.0.1", 0), Hub)  # its port is free again: nobody listens there
gone.server_close()


def ask(home, task, *pattern, **variables):
    own = {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": home, "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_TOKEN": "hf_none", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    command = [sys.executable, "-P", ASK, task, *pattern]
    done = subprocess.run(command, env=kept | own | variables, capture_output=True, text=True, timeout=120)
    if done.returncode:
        sys.exit(f"{task} failed: {done.stderr}")
    return done.stdout.strip(), done.stderr.strip()


CASES = [
    ("503", 503, (), {}),
    ("503", 503, ("*.safetensors",), {}),
    ("401", 401, (), {}),
    ("offline", 200, (), {"HF_HUB_OFFLINE": "1"}),
    ("refused", 200, (), {"HF_ENDPOINT": f"http://127.0.0.1:{gone.server_port}"}),
]
EXPECTED = {
    "hf_hub_download": "returns ['config.json']",
    "snapshot_download": "raises IncompleteSnapshotError",
}
changed, warned = False, ""
for task, expected in EXPECTED.items():
    with tempfile.TemporaryDirectory(dir=ASK.parent) as home:
        Hub.status = 200
        ask(home, task, *(["config.json"] if task == "snapshot_download" else []))
        for label, Hub.status, pattern, variables in CASES:
            said, warning = ask(home, "snapshot_download", *pattern, **variables)
            print(f"{task:18} {label:8} {pattern[0] if pattern else None!s:16} -> {said}")
            changed |= said != expected
            warned += warning
print("warnings:", warned or "none")
sys.exit(changed or bool(warned))
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0 httpx2==2.16.2
timeout 300 nice "$folder/venv/bin/python" -P "$folder/partial_snapshot.py"
echo "still so"
