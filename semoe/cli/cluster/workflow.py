"""What Argo says of a workflow, read from the object itself: its phase, what failed, what cannot start."""

import base64
import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

OVER = ("Succeeded", "Failed", "Error")
ARGOS_LINES = re.compile(r"time=\S+ level=\w+ [^\n]* argo=true[^\n]*\n?|(?:^|(?<=\n))Error: exit status \d+\s*\Z")
"""What Argo's executor writes around what a worker says, into the same log."""
STUCK_AFTER = (
    "Unschedulable", "ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError", "InvalidImageName",
    "exceeded quota", "failed quota", "FailedMount", "Multi-Attach",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A pod of a workflow."""

    id: str
    template: str
    """`encode-shard`, …"""
    shard: str
    """Its number; empty for a pod that is no shard's."""
    gpus: int
    """It has so many shards: one for each GPU, and at least one."""
    phase: str
    message: str
    exit_code: str

    def __str__(self) -> str:
        return f"{self.name}: {self.phase}: {' '.join(self.message.split())}"

    @property
    def shards(self) -> range:
        """Those of its stage that it has, as far as there are so many; none for a pod that is no shard's."""
        first = int(self.shard or 0) * self.gpus
        return range(first, first + self.gpus if self.shard else first)

    @property
    def name(self) -> str:
        """What it is for people: its template and its shards."""
        last = f" to {self.shards[-1]}" if len(self.shards) > 1 else ""
        return f"{self.template} {self.shards[0]}{last}" if self.shards else self.template


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowState:
    """A workflow as far as the verbs look at it."""

    name: str
    namespace: str
    phase: str
    """Pending, Running, Succeeded, Failed or Error; empty: Argo has not seen it."""
    message: str
    nodes: tuple[Node, ...]
    """Its pods, in the order in which they started."""
    created: float
    """When, in seconds since 1970."""
    parameters: Mapping[str, str]
    """What it was submitted with."""
    is_ending: bool
    """Whether it was told to stop."""
    is_suspended: bool
    """Whether it takes no further step before somebody resumes it, not even one towards its end."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in OVER

    @property
    def suspended(self) -> str:
        """How a workflow that is suspended goes on; empty for any other."""
        return f"suspended: argo resume {self.name} -n {self.namespace}" if self.is_suspended else ""

    @property
    def failed(self) -> list[Node]:
        """Pods that ended badly and were not tried again, or not yet."""
        last = {(node.template, node.shard): node for node in self.nodes}
        return [node for node in last.values() if node.phase in ("Failed", "Error")]

    @property
    def stuck(self) -> list[Node]:
        """Pods that cannot start as things are."""
        return [n for n in self.nodes if n.phase == "Pending" and any(word in n.message for word in STUCK_AFTER)]


def workers_words(text: str) -> str:
    """Returns what a worker said, of a pod's log or the end of one."""
    return ARGOS_LINES.sub("", text)


def read_workflow(workflow: Mapping[str, Any]) -> WorkflowState:
    """Reads a Workflow object."""
    status = workflow.get("status", {})
    nodes = _nodes(status).values()
    pods = [node for node in nodes if node.get("type") == "Pod"]
    pods.sort(key=lambda node: str(node.get("startedAt", "")))
    spec = workflow.get("spec", {})
    created = workflow["metadata"].get("creationTimestamp", "1970-01-01T00:00:00Z")
    given = spec.get("arguments", {}).get("parameters", ())
    return WorkflowState(
        name=workflow["metadata"]["name"],
        namespace=workflow["metadata"].get("namespace", "default"),
        phase=status.get("phase", ""),
        message=status.get("message", ""),
        nodes=tuple(_node(pod) for pod in pods),
        created=datetime.fromisoformat(created).timestamp(),
        parameters={one["name"]: str(one.get("value", "")) for one in given},
        is_ending="shutdown" in spec,
        is_suspended=status.get("phase") not in OVER and (bool(spec.get("suspend")) or any(map(_suspends, nodes))),
    )


def _suspends(node: Mapping[str, Any]) -> bool:
    return node.get("type") == "Suspend" and node.get("phase") == "Running"


def _nodes(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """Argo compresses the nodes of a large workflow."""
    if packed := status.get("compressedNodes"):
        found: Mapping[str, Any] = orjson.loads(gzip.decompress(base64.b64decode(packed)))
        return found
    return status.get("nodes", {}) or {}


def _node(node: Mapping[str, Any]) -> Node:
    inputs: Sequence[Mapping[str, Any]] = node.get("inputs", {}).get("parameters", ())
    given = {str(one["name"]): str(one.get("value", "")) for one in inputs}
    shard = given.get("shard", "")
    gpus = given.get("gpus", "")
    return Node(
        id=node["id"],
        template=node.get("templateName") or node.get("templateRef", {}).get("template", ""),
        shard=shard if shard.isdecimal() else "",
        gpus=max(1, int(gpus)) if gpus.isdecimal() else 1,
        phase=node.get("phase", ""),
        message=workers_words(node.get("message", "")),
        exit_code=str(node.get("outputs", {}).get("exitCode", "")),
    )
