"""What the end-to-end tests do to a cluster, with the commands that a platform engineer types."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from semoe import __version__

ROOT = Path(__file__).parents[2]
NAMESPACE = os.environ.get("SEMOE_E2E_NAMESPACE", "semoe-e2e")
WORKER_IMAGE = os.environ.get("SEMOE_E2E_WORKER_IMAGE", f"semoe-worker:{__version__}-demo")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def command(
    *words: str, text: str | None = None, fails: bool = False, all_of_it: bool = False, **environment: str
) -> str:
    """Runs a command that must succeed, or with `fails` must not; returns its result, or all that it said."""
    found = subprocess.run(
        words, input=text, capture_output=True, text=True, cwd=ROOT, env=os.environ | environment, check=False
    )
    said = found.stdout + found.stderr
    assert (found.returncode != 0) == fails, f"{' '.join(words)} → {found.returncode}\n{said[-4000:]}"
    return said if fails or all_of_it else found.stdout


def kubectl(*words: str, **options: Any) -> str:
    return command("kubectl", "-n", NAMESPACE, *words, **options)


def get(kind: str, *words: str) -> Any:
    return json.loads(kubectl("get", kind, *words, "-o", "json"))


def semoe(*words: str, fails: bool = False, all_of_it: bool = False, **environment: str) -> str:
    return command(sys.executable, "-m", "semoe", *words, fails=fails, all_of_it=all_of_it, **environment)


def status(*place: str, **environment: str) -> str:
    """All that `semoe status` says of a run and its workflow, on one line."""
    return " ".join(semoe("status", *place, "--namespace", NAMESPACE, all_of_it=True, **environment).split())


def start(*words: str, **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "semoe", *words], env=os.environ | environment, cwd=ROOT)


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Returns the first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(1)
    raise AssertionError(f"not within {seconds} s: {what}\n{kubectl('get', 'pods')}")


@contextlib.contextmanager
def forwarded(target: str, port: int, namespace: str = NAMESPACE) -> Iterator[str]:
    """Yields the address under which a Service of the cluster is reached from here."""
    words = ["kubectl", "-n", namespace, "port-forward", target, f":{port}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found, f"kubectl port-forward {target} did not begin"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()


def pods_of(stage: str) -> Sequence[dict[str, Any]]:
    """The pods of a stage's shards."""
    return list(get("pods", "-l", f"semoe/stage={stage}-shard")["items"])


def running(stage: str) -> list[str]:
    return [one["metadata"]["name"] for one in pods_of(stage) if one["status"]["phase"] == "Running"]
