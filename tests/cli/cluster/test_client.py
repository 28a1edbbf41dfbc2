"""The client library as it is installed, against a server that answers as an API server does."""

import pytest

from semoe.cli.cluster.client import Cluster
from tests.cli.cluster.api_server import NAMESPACE, ApiServer


def test_the_namespace_is_that_of_the_kubeconfig(cluster_api: ApiServer) -> None:
    assert Cluster().namespace == NAMESPACE


@pytest.mark.parametrize(
    ("log", "text"),
    [
        (b"epoch 1\nloss 0.5\n", "epoch 1\nloss 0.5\n"),
        (b'{"loss": null, "done": true}\n', '{"loss": null, "done": true}\n'),
        (b"3\n", "3\n"),
        ("Österreich".encode(), "Österreich"),
        (b"half a letter: \xc3\n", "half a letter: \ufffd\n"),
    ],
)
def test_a_pods_log_is_what_it_said_whatever_that_was(cluster_api: ApiServer, log: bytes, text: str) -> None:
    cluster_api.logs["first-abc-123"] = log
    assert Cluster().pod_log("first-abc-123") == text


def test_the_log_of_a_pod_that_is_gone_is_empty(cluster_api: ApiServer) -> None:
    assert Cluster().pod_log("first-abc-123") == ""


def test_a_workflow_that_is_told_to_stop_is_suspended_no_longer(cluster_api: ApiServer) -> None:
    """Argo takes no step of a suspended one, and so would never end it."""
    cluster_api.workflows["first-abc"] = {"spec": {"suspend": True, "parallelism": 3}}
    Cluster().stop("first-abc")
    assert cluster_api.workflows["first-abc"]["spec"] == {"shutdown": "Stop", "parallelism": 3}
