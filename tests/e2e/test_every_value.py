"""What both charts render of every value, large and emptied, is taken by an API server; Argo makes such pods."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from semoe.cli.cluster.argo import template_name
from tests.helm.charts import Document, render
from tests.helm.cluster import get, kubectl, restricted_namespace
from tests.helm.every_value import CASES, PLAIN, Case, accepted, defaults, leaves
from tests.helm.pod_values import VALUES, assert_has_all
from tests.helm.workers import CHART

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    with restricted_namespace("semoe-every") as name:
        yield name


def rendered_of_every_kind(case: Case) -> Iterator[Document]:
    before = defaults(case.chart)
    numbers = {path: 1_000_001 for path, value in before.items() if type(value) is int}
    given = [dict.fromkeys(leaves(case.chart), empty) for empty in ("", [], 0)]
    given += [{path: text for path, value in before.items() if isinstance(value, str)} for text in PLAIN]
    for values in ({}, numbers, *given):
        yield from yaml.safe_load_all(accepted(case, values)[1])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_api_server_takes_whatever_the_chart_takes(case: Case, namespace: str) -> None:
    # Dashboards are large, and no value is in them. What a test pod refers to is not there in a dry run.
    documents = [
        one for one in rendered_of_every_kind(case) if one and not one["metadata"]["name"].endswith("-dashboards")
    ]
    for document in documents:
        document["metadata"].pop("namespace", None)
        if document["kind"] == "Pod":
            for field in ("serviceAccountName", "priorityClassName", "runtimeClassName"):
                document["spec"].pop(field, None)
    different = {json.dumps(one, sort_keys=True): one for one in documents}.values()
    said = kubectl(namespace, "apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump_all(different))
    assert said.count("(server dry run)") == len(different) > 4


RUNTIMES = ("gpu-runtime", "cpu-runtime")


def made_by_argo(namespace: str, concept: str, parameters: dict[str, str]) -> Document:
    """The first pod of a workflow, as Argo makes it."""
    given: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in parameters.items()]
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": concept},
        "spec": {"workflowTemplateRef": {"name": template_name(concept)}, "arguments": {"parameters": given}},
    }  # fmt: skip
    kubectl(namespace, "create", "--filename", "-", stdin=yaml.safe_dump(workflow))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = get(namespace, "pods", "--selector", f"workflows.argoproj.io/workflow={concept}")["items"]
        if found:
            return found[0]  # type: ignore[no-any-return]
        time.sleep(0.5)
    raise AssertionError(get(namespace, "workflow", concept).get("status"))


def test_argo_gives_every_pod_what_the_values_say(namespace: str) -> None:
    left_out = ("Pod", "PodMonitor", "PrometheusRule", "ResourceQuota")
    documents = [one for one in render(CHART, VALUES, namespace=namespace) if one["kind"] not in left_out]
    documents += [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": place}, "value": 1}
        for place in ("gpu", "cpu")
    ] + [
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": runtime}, "handler": "runc"}
        for runtime in RUNTIMES
    ]
    kubectl(namespace, "apply", "--filename", "-", stdin=yaml.safe_dump_all(documents))
    try:
        assert_has_all(made_by_argo(namespace, "doctor", {}), computes=True)
        assert_has_all(made_by_argo(namespace, "retrieve", {"run": "r"}), computes=False)
    finally:
        kubectl(namespace, "delete", "workflows", "doctor", "retrieve", "--ignore-not-found")
        kubectl(namespace, "delete", "priorityclass", "gpu", "cpu", "--ignore-not-found")
        kubectl(namespace, "delete", "runtimeclass", *RUNTIMES, "--ignore-not-found")
