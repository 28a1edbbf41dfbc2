"""A namespace, a tunnel and a pod on a real cluster, for the tests of the charts. Needs `kubectl` and a kubeconfig."""

import contextlib
import json
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import yaml

from tests.helm.charts import Document, run

NUDGE_SECONDS = 20.0


def kubectl(namespace: str, *arguments: str, stdin: str | None = None) -> str:
    """Runs kubectl in a namespace; raises RuntimeError with its message."""
    return run("kubectl", "--namespace", namespace, *arguments, stdin=stdin)


def get(namespace: str, *arguments: str) -> Document:
    """An object, or a list of them, as the API server has it."""
    found: Document = json.loads(kubectl(namespace, "get", *arguments, "--output", "json"))
    return found


@contextlib.contextmanager
def restricted_namespace(prefix: str) -> Iterator[str]:
    """A namespace under pod security level *restricted*, deleted with all that is in it."""
    name = f"{prefix}-{uuid.uuid4().hex[:6]}"
    run("kubectl", "create", "namespace", name)
    try:
        run("kubectl", "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        with nudged(name), explained(name):
            yield name
    finally:
        run("kubectl", "delete", "namespace", name, "--timeout=120s")


@contextlib.contextmanager
def explained(namespace: str) -> Iterator[None]:
    """Adds to an error what the cluster has to say of the namespace's pods, claims and last events."""
    try:
        yield
    except Exception as error:
        for what in (("pods", "-o", "wide"), ("persistentvolumeclaims",), ("events", "--sort-by=.lastTimestamp")):
            with contextlib.suppress(RuntimeError):
                error.add_note("\n".join(kubectl(namespace, "get", *what).splitlines()[-15:]))
        for name in _names(namespace):
            with contextlib.suppress(RuntimeError):
                error.add_note(f"{name}: {get(namespace, 'pod', name)['status'].get('conditions')}")
                error.add_note(kubectl(namespace, "logs", name, "--all-containers", "--tail=12"))
        raise


def _names(namespace: str) -> list[str]:
    """The pods; none where the cluster does not answer: the first error stays the one that is told."""
    with contextlib.suppress(RuntimeError):
        return [pod["metadata"]["name"] for pod in get(namespace, "pods")["items"]]
    return []


@contextlib.contextmanager
def nudged(namespace: str) -> Iterator[None]:
    """Makes pods anew that a scheduler overlooks: it may not hear that a claim was bound just after it had looked."""
    over = threading.Event()

    def nudge() -> None:
        while not over.wait(NUDGE_SECONDS):
            with contextlib.suppress(RuntimeError):
                for pod in get(namespace, "pods", "--field-selector=status.phase=Pending")["items"]:
                    said = " ".join(one.get("message", "") for one in pod["status"].get("conditions", ()))
                    if "unbound immediate PersistentVolumeClaims" in said:
                        kubectl(namespace, "delete", "pod", pod["metadata"]["name"], "--wait=false")

    thread = threading.Thread(target=nudge, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def tunnel(namespace: str, target: str, port: int) -> Iterator[str]:
    """HOST:PORT on this machine that leads to a port of a pod or Service, past every NetworkPolicy."""
    command = ["kubectl", "--namespace", namespace, "port-forward", target, f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:\d+", line)
            assert found, f"port-forward to {target} said: {line}"
            yield found.group()
        finally:
            process.kill()


def run_pod(
    namespace: str, name: str, image: str, script: str, labels: dict[str, str] | None = None
) -> tuple[int, str]:
    """Runs a bash script in a restricted pod to its end; gives its exit code and output."""
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "script", "image": image, "command": ["bash", "-c", script],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    }  # fmt: skip
    kubectl(namespace, "apply", "--filename", "-", stdin=yaml.safe_dump(pod))
    kubectl(
        namespace, "wait", f"pod/{name}", "--timeout=120s",
        "--for=jsonpath={.status.containerStatuses[0].state.terminated}",
    )  # fmt: skip
    status = get(namespace, "pod", name)["status"]["containerStatuses"][0]["state"]["terminated"]
    output = kubectl(namespace, "logs", name)
    kubectl(namespace, "delete", "pod", name, "--wait=false")
    return int(status["exitCode"]), output
