"""Reading a Workflow object as Argo's controller writes it; the shapes are those of a run on a real cluster."""

import base64
import gzip
import json
from typing import Any

from semoe.cli.cluster.workflow import read_workflow, workers_words

SHARD = {
    "id": "first-abc-123",
    "displayName": "shard(1:1)(0)",
    "type": "Pod",
    "templateName": "encode-shard",
    "phase": "Failed",
    "message": "Error (exit code 2): semoe: No such model\nfolder.",
    "startedAt": "2026-11-26T04:00:02Z",
    "inputs": {"parameters": [{"name": "shard", "value": "1"}]},
    "outputs": {"exitCode": "2"},
}
PENDING = {
    "id": "first-abc-456",
    "type": "Pod",
    "templateName": "encode-shards",
    "phase": "Pending",
    "message": "Unschedulable: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    "startedAt": "2026-11-26T04:00:01Z",
}
STEPS = {"id": "first-abc", "type": "Steps", "phase": "Running"}


def workflow(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "first-abc", "creationTimestamp": "2026-11-26T04:00:00Z"},
        "spec": {"arguments": {"parameters": [{"name": "run", "value": "first"}, {"name": "gpus", "value": "2"}]}},
        "status": status,
    }


def test_a_pod_that_was_tried_again_with_success_did_not_fail() -> None:
    again = SHARD | {"id": "first-abc-789", "phase": "Succeeded", "startedAt": "2026-11-26T04:00:09Z"}
    found = read_workflow(workflow(phase="Succeeded", nodes={n["id"]: n for n in (again, SHARD)}))
    assert (len(found.nodes), found.failed) == (2, [])


def test_what_it_was_submitted_with_and_when() -> None:
    found = read_workflow(workflow(phase="Running"))
    assert found.parameters == {"run": "first", "gpus": "2"}
    assert (found.created, found.is_ending) == (1795665600.0, False)
    ending = workflow(phase="Running")
    ending["spec"]["shutdown"] = "Stop"
    assert read_workflow(ending).is_ending


def test_pods_in_order_of_their_start_with_shard_and_reason() -> None:
    found = read_workflow(workflow(phase="Running", nodes={n["id"]: n for n in (SHARD, PENDING, STEPS)}))
    assert [node.template for node in found.nodes] == ["encode-shards", "encode-shard"]
    assert not found.is_over
    assert [node.shard for node in found.failed] == ["1"]
    assert str(found.failed[0]) == "encode-shard 1: Failed: Error (exit code 2): semoe: No such model folder."
    assert found.failed[0].exit_code == "2"
    assert [node.template for node in found.stuck] == ["encode-shards"]


SAID = """semoe: No run 'x' in s3://semoe/x. There are: none. Make one with `semoe plan`.
"""
LOG = f"""time=2026-11-30T14:08:15.614Z level=INFO msg="waiting for signals" argo=true signalPath=/var/run/argo/ctr/main/signal
{SAID}time=2026-11-30T14:08:16.321Z level=INFO msg="sub-process exited" argo=true error="exit status 2"
time=2026-11-30T14:08:16.321Z level=INFO msg="file signal handler exiting due to context cancellation" argo=true
Error: exit status 2
"""  # noqa: E501  (as Argo 4.0.5 wrote it)


def test_what_argo_writes_around_a_workers_words_is_left_out() -> None:
    assert workers_words(LOG) == SAID
    assert (
        workers_words(SAID + "Error: exit status 2 is what it said.") == SAID + "Error: exit status 2 is what it said."
    )
    node = SHARD | {"message": f"main: Error (exit code 2): {LOG}"}
    (found,) = read_workflow(workflow(phase="Failed", nodes={"": node})).nodes
    assert str(found) == f"encode-shard 1: Failed: main: Error (exit code 2): {SAID.strip()}"


def test_a_pod_of_several_gpus_has_as_many_shards() -> None:
    inputs = {"parameters": [{"name": "shard", "value": "1"}, {"name": "gpus", "value": "4"}]}
    nodes = {"4": SHARD | {"inputs": inputs}, "1": SHARD, "none": PENDING}
    several, single, none = (
        found for node in nodes.values() for found in read_workflow(workflow(phase="Running", nodes={"": node})).nodes
    )
    assert [list(node.shards) for node in (several, single, none)] == [[4, 5, 6, 7], [1], []]
    assert [node.name for node in (several, single, none)] == ["encode-shard 4 to 7", "encode-shard 1", "encode-shards"]
    inputs["parameters"][1]["value"] = "0"
    assert list(read_workflow(workflow(phase="Running", nodes={"": nodes["4"]})).nodes[0].shards) == [1]


def test_nodes_that_argo_compressed_are_the_same() -> None:
    nodes = {n["id"]: n for n in (SHARD, PENDING)}
    packed = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    assert read_workflow(workflow(phase="Failed", compressedNodes=packed)) == read_workflow(
        workflow(phase="Failed", nodes=nodes)
    )


def test_a_workflow_that_argo_has_not_seen() -> None:
    found = read_workflow({"metadata": {"name": "first-abc"}})
    assert (found.phase, found.nodes, found.is_over) == ("", (), False)
