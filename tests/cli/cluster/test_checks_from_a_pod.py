"""`semoe doctor --cluster --submit`: what a pod finds is told as the pod says it."""

import json

import pytest

from semoe.cli import doctor
from semoe.cli.app import run
from semoe.cli.cluster.workflow import Node, WorkflowState
from tests.cli.cluster.api_server import ApiServer


def test_of_a_pods_log_what_is_to_mend_is_told() -> None:
    """The end of the log that Kubernetes keeps of a pod, table and all."""
    log = "main: │ store │ unusable │ No usable │ │ │ │ S3 keys │ To mend: store is unusable: No usable S3 keys."
    found = WorkflowState(
        name="semoe-doctor-1", namespace="lab", phase="Failed", message="", created=0.0, parameters={}, is_ending=False,
        is_suspended=False, nodes=(Node(
            id="1", template="doctor", shard="", gpus=1, phase="Failed", message=log, exit_code="1"
        ),),
    )  # fmt: skip
    part, state, detail = doctor.from_a_pod(found)
    assert (part, state) == ("from a pod", "unusable")
    assert detail == "workflow semoe-doctor-1: store is unusable: No usable S3 keys."


def test_nothing_is_submitted_where_the_templates_are_missing(
    cluster_api: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--cluster", "--submit", "--format", "json"]) == 1
    rows = {one["part"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert rows["from a pod"] == "not tried"
    assert not cluster_api.workflows
