"""The life of a node that the chart installs: one release in a restricted namespace, tests in the order of its life.

The image of the chart's appVersion must be pullable, or loaded into the cluster.
"""

import base64
import contextlib
import shutil
from collections.abc import Iterator

import pytest
import yaml
from elasticsearch import ApiError, Elasticsearch

from tests.helm.charts import CHARTS, Document, render, run
from tests.helm.cluster import get, kubectl, restricted_namespace, tunnel

CHART = CHARTS / "elasticsearch"
VALUES = CHART / "values" / "kind.yaml"
NAME = "search-elasticsearch"
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


def helm(namespace: str, verb: str, *arguments: str) -> str:
    return run("helm", "--namespace", namespace, verb, "search", *arguments)


def upgrade(namespace: str, *sets: str) -> None:
    helm(namespace, "upgrade", str(CHART), "--values", str(VALUES), *sets, "--wait", "--timeout", "5m")


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    assert shutil.which("helm"), "these tests need helm on the PATH"
    with restricted_namespace("semoe-es") as name:
        helm(name, "install", str(CHART), "--values", str(VALUES), "--wait", "--timeout", "5m")
        yield name


def secret(namespace: str, name: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in get(namespace, "secret", name)["data"].items()}


@contextlib.contextmanager
def node(namespace: str, user: dict[str, str] | None = None) -> Iterator[Elasticsearch]:
    user = user or secret(namespace, f"{NAME}-client")
    with (
        tunnel(namespace, f"pod/{NAME}-0", 9200) as address,
        Elasticsearch(f"http://{address}", basic_auth=(user["username"], user["password"])) as client,
    ):
        yield client


def titles(namespace: str) -> list[str]:
    with node(namespace) as client:
        hits = client.search(index="wiki", query={"match": {"txt": "capital"}})["hits"]["hits"]
    return [hit["_source"]["title"] for hit in hits]


def test_helm_test_accepts_the_client_secret_and_no_other_password(namespace: str) -> None:
    said = helm(namespace, "test", "--timeout", "5m")
    assert said.count("Succeeded") == 2
    assert "test" not in kubectl(namespace, "get", "pods,configmaps", "--output", "name")


def test_helm_test_fails_when_elasticsearch_does_not_take_the_password(namespace: str) -> None:
    secret_of = f"secret/{NAME}-client"
    kept = get(namespace, secret_of)["data"]["password"]
    patch = '{{"data": {{"password": "{}"}}}}'
    kubectl(namespace, "patch", secret_of, "--patch", patch.format(base64.b64encode(b"mistaken").decode()))
    try:
        with pytest.raises(RuntimeError, match="FAILED: the client Secret's password: wanted 200, got 401"):
            helm(namespace, "test", "--timeout", "5m")
    finally:
        kubectl(namespace, "patch", secret_of, "--patch", patch.format(kept))


def test_the_clients_user_indexes_and_searches(namespace: str) -> None:
    with node(namespace) as client:
        client.indices.create(index="wiki", settings={"number_of_replicas": 0})
        client.index(index="wiki", id="1", document={"title": "Paris", "txt": "the capital of France"}, refresh=True)
        client.indices.put_settings(index="wiki", settings={"refresh_interval": "1s"})
    assert titles(namespace) == ["Paris"]


def test_the_clients_user_makes_no_users(namespace: str) -> None:
    with node(namespace) as client, pytest.raises(ApiError) as refused:
        client.security.put_user(username="other", password="long enough", roles=["superuser"])
    assert refused.value.status_code == 403
    with node(namespace, secret(namespace, f"{NAME}-elastic")) as elastic:
        assert "superuser" in elastic.security.authenticate()["roles"]


def test_an_upgrade_keeps_passwords_and_documents(namespace: str) -> None:
    names = [f"{NAME}-client", f"{NAME}-elastic", f"{NAME}-transport"]
    before = [secret(namespace, name) for name in names]
    pod = get(namespace, "pod", f"{NAME}-0")["metadata"]["uid"]
    upgrade(namespace, "--set", "heap=600m,podLabels.team=search")
    assert [secret(namespace, name) for name in names] == before
    upgraded = get(namespace, "pod", f"{NAME}-0")
    assert upgraded["metadata"]["uid"] != pod
    assert upgraded["metadata"]["labels"]["team"] == "search"
    assert titles(namespace) == ["Paris"]


def test_a_rollback_takes_the_former_heap_back(namespace: str) -> None:
    helm(namespace, "rollback", "1", "--wait", "--timeout", "5m")
    environment = get(namespace, "pod", f"{NAME}-0")["spec"]["containers"][0]["env"]
    assert {"name": "ES_JAVA_OPTS", "value": "-Xms512m -Xmx512m"} in environment
    assert titles(namespace) == ["Paris"]


def test_a_lost_pod_comes_back_with_its_documents(namespace: str) -> None:
    kubectl(namespace, "delete", "pod", f"{NAME}-0", "--grace-period=1")  # killed a second later
    kubectl(namespace, "rollout", "status", f"statefulset/{NAME}", "--timeout=300s")
    assert titles(namespace) == ["Paris"]


def test_fewer_nodes_than_run_are_refused(namespace: str) -> None:
    nodes: Document = next(d for d in render(CHART, {"replicas": 3}, release="big") if d["kind"] == "StatefulSet")
    nodes["spec"]["template"]["spec"]["nodeSelector"] = {"no": "machine"}
    release = {"meta.helm.sh/release-name": "big", "meta.helm.sh/release-namespace": namespace}
    nodes["metadata"]["annotations"] = release
    kubectl(namespace, "apply", "--filename", "-", stdin=yaml.safe_dump(nodes))
    try:
        command = ["helm", "--namespace", namespace, "template", "big", str(CHART), "--dry-run=server"]
        with pytest.raises(RuntimeError, match="replicas is 1, but 3 nodes run: move data and votes off the others"):
            run(*command)
        assert "kind: StatefulSet" in run(*command, "--set", "allowScaleDown=true")
    finally:
        kubectl(namespace, "delete", "statefulset", "big-elasticsearch")
        kubectl(namespace, "delete", "pvc", "--selector=app.kubernetes.io/instance=big")


def test_uninstalling_leaves_the_volume_claim_alone(namespace: str) -> None:
    helm(namespace, "uninstall", "--wait", "--timeout", "3m")
    kubectl(namespace, "wait", "--for=delete", f"pod/{NAME}-0", "--timeout=150s")
    kinds = "all,secret,configmap,serviceaccount,networkpolicy,poddisruptionbudget,persistentvolumeclaim"
    left = set(kubectl(namespace, "get", kinds, "--output", "name").split())
    assert left == {
        f"persistentvolumeclaim/data-{NAME}-0", "configmap/kube-root-ca.crt", "serviceaccount/default",
    }  # fmt: skip
