"""What the pods of a run reach, and that it is the policies that hold them back, where the cluster enforces them."""

import pytest

from tests.e2e.cluster import NAMESPACE, get
from tests.helm.cluster import get as get_of
from tests.helm.policies import CLIENT, NO_ANSWER, answers, skip_unless_enforced

WORKER = {"app.kubernetes.io/name": "semoe", **CLIENT}
STORE, SEARCH, API = "http://seaweed:8333", "http://elasticsearch:9200", "https://kubernetes.default:443"
PROMETHEUS = "http://prometheus.monitoring:9090/-/ready"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def elsewhere(installed: None) -> tuple[str, ...]:
    """What is none of a worker's business: Prometheus, and where CoreDNS says whether it is ready."""
    address = get("pod", "elasticsearch-0")["status"]["podIP"]
    skip_unless_enforced(NAMESPACE, f"http://{address}:9200")
    dns = get_of("kube-system", "pods", "--selector=k8s-app=kube-dns")["items"][0]["status"]["podIP"]
    return PROMETHEUS, f"http://{dns}:8181/ready"


def test_a_worker_reaches_what_it_needs_and_nothing_else(elsewhere: tuple[str, ...]) -> None:
    found = answers(NAMESPACE, "like-a-worker", WORKER, STORE, SEARCH, API, *elsewhere)
    assert [code for code, _ in found[:3]] == [0, 0, 0], found
    assert all(one in NO_ANSWER for one in found[3:]), found


def test_a_pod_of_no_policy_reaches_the_rest_but_neither_store_nor_elasticsearch(elsewhere: tuple[str, ...]) -> None:
    """So it is not for want of an answer that a worker gets none."""
    found = answers(NAMESPACE, "stranger", {}, *elsewhere, STORE, SEARCH)
    assert found[:2] == [(0, "200"), (0, "200")]
    assert all(one in NO_ANSWER for one in found[2:]), found
