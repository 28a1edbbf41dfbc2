"""What clusters do to a run, as their administrators would bring it about."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.e2e.cluster import command, get, kubectl


def workflow_of(run: str) -> dict[str, Any]:
    """The youngest workflow of a run."""
    found: dict[str, Any] = max(
        get("workflows", "-l", f"semoe/run={run}")["items"], key=lambda one: one["metadata"]["creationTimestamp"]
    )
    return found


def phase(run: str) -> str:
    """Of its youngest workflow."""
    return str(workflow_of(run).get("status", {}).get("phase", ""))


def nodes_of(run: str) -> list[dict[str, Any]]:
    """The pods of its youngest workflow, as Argo has them."""
    nodes = workflow_of(run).get("status", {}).get("nodes", {}).values()
    return [one for one in nodes if one["type"] == "Pod"]


@contextlib.contextmanager
def s3_away() -> Iterator[None]:
    """Nothing answers at the server's address; what it keeps it keeps."""
    kubectl("patch", "service", "seaweed", "-p", '{"spec": {"selector": {"app": "away"}}}')
    try:
        yield
    finally:
        kubectl("patch", "service", "seaweed", "-p", '{"spec": {"selector": {"app": "seaweed"}}}')


@contextlib.contextmanager
def drained(run: str) -> Iterator[None]:
    """Every node is drained of the run's pods: they are evicted, and no others start before the end."""
    nodes = command("kubectl", "get", "nodes", "-o", "name").split()
    mine = f"--pod-selector=workflows.argoproj.io/workflow={workflow_of(run)['metadata']['name']}"
    try:
        command("kubectl", "drain", *nodes, mine, "--delete-emptydir-data", "--force", "--timeout=180s")
        yield
    finally:
        command("kubectl", "uncordon", *nodes)


def controller_restarted() -> None:
    """Argo's controller is deleted, and another begins."""
    where = ("-n", "argo")
    command("kubectl", *where, "rollout", "restart", "deployment/workflow-controller")
    command("kubectl", *where, "rollout", "status", "deployment/workflow-controller", "--timeout=180s")
