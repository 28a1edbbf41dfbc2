"""Who reaches the node that the chart installs, and whom it reaches, where the cluster enforces NetworkPolicy."""

import shutil
from collections.abc import Iterator

import pytest

from tests.helm.charts import CHARTS, run
from tests.helm.cluster import get, kubectl, restricted_namespace, run_pod
from tests.helm.policies import ASK, CLIENT, IMAGE, NO_ANSWER, skip_unless_enforced

CHART = CHARTS / "elasticsearch"
NAME = "search-elasticsearch"
SEARCH = ASK.format(f"http://{NAME}:9200")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    assert shutil.which("helm"), "these tests need helm on the PATH"
    with restricted_namespace("semoe-es-net") as name:
        files = ["--values", str(CHART / "values" / "kind.yaml"), "--wait", "--timeout", "5m"]
        run("helm", "--namespace", name, "install", "search", CHART, *files)
        address = get(name, "pod", f"{NAME}-0")["status"]["podIP"]
        skip_unless_enforced(name, f"http://{address}:9200")
        yield name


def test_a_labelled_pod_reaches_the_node(namespace: str) -> None:
    assert run_pod(namespace, "client", IMAGE, SEARCH, CLIENT) == (0, "401")


def test_a_stranger_does_not(namespace: str) -> None:
    assert run_pod(namespace, "stranger", IMAGE, SEARCH) in NO_ANSWER


def test_a_labelled_pod_of_another_namespace_needs_the_namespace_named(namespace: str) -> None:
    ask = ASK.format(f"http://{NAME}.{namespace}:9200")
    with restricted_namespace("semoe-es-run") as runs:
        assert run_pod(runs, "client", IMAGE, ask, CLIENT) in NO_ANSWER
        allowed = ["--reuse-values", "--set", f"networkPolicy.clientNamespaces={{{runs}}}", "--wait"]
        run("helm", "--namespace", namespace, "upgrade", "search", CHART, *allowed)
        assert run_pod(runs, "client-again", IMAGE, ask, CLIENT) == (0, "401")


def test_the_node_resolves_names_and_reaches_no_other_pod(namespace: str) -> None:
    dns = get("kube-system", "pods", "--selector=k8s-app=kube-dns")["items"][0]["status"]["podIP"]
    node = ["exec", f"{NAME}-0", "--container", "elasticsearch", "--", "bash", "-c"]
    assert kubectl(namespace, *node, f"getent hosts {NAME}")
    ask = f"curl -s --connect-timeout 4 -o /dev/null http://{dns}:8181/ready"
    assert run_pod(namespace, "free", IMAGE, ask)[0] == 0  # CoreDNS says there whether it is ready
    with pytest.raises(RuntimeError, match=r"exit code (7|28)"):
        kubectl(namespace, *node, ask)
