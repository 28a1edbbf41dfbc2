"""What the Elasticsearch chart makes of its values."""

import base64
import re
from pathlib import Path

import pytest
import yaml

from tests.helm.charts import CHARTS, Document, assert_restricted, kinds, needs_helm, only, pod_specs, render

CHART = CHARTS / "elasticsearch"
DIGEST = "sha256:" + "0" * 64
pytestmark = needs_helm

EXTERNAL = {"mode": "external", "external": {"url": "https://search.example.org", "username": "u", "password": "p"}}


def _secret(document: Document) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in document["data"].items()}


def _settings(documents: list[Document]) -> dict[str, object]:
    settings: dict[str, object] = yaml.safe_load(
        only(documents, "ConfigMap", "test-elasticsearch")["data"]["elasticsearch.yml"]
    )
    return settings


@pytest.mark.parametrize("values", [{}, EXTERNAL], ids=["standalone", "external"])
def test_every_pod_fits_the_restricted_level(values: Document) -> None:
    specs = dict(pod_specs(render(CHART, values)))
    assert "Pod/test-elasticsearch-test" in specs
    for name, spec in specs.items():
        assert_restricted(name, spec)


def test_standalone_makes_all_that_a_node_needs() -> None:
    assert kinds(render(CHART)) == sorted(
        ["ConfigMap"] * 2 + ["Secret"] * 3 + ["Service"] * 2
        + ["NetworkPolicy", "Pod", "PodDisruptionBudget", "ServiceAccount", "StatefulSet"]
    )  # fmt: skip


def test_external_makes_the_client_secret_and_nothing_that_runs() -> None:
    documents = render(CHART, EXTERNAL)
    assert kinds(documents) == ["ConfigMap", "Pod", "Secret"]
    client = only(documents, "Secret", "test-elasticsearch-client")
    assert _secret(client) == {"url": "https://search.example.org", "username": "u", "password": "p"}


def test_external_may_have_an_api_key_and_an_authority_of_its_own() -> None:
    authority = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    external = {"url": "https://search.example.org", "apiKey": "a2V5", "caCertificate": authority}
    client = only(render(CHART, {"mode": "external", "external": external}), "Secret")
    assert _secret(client) == {"url": "https://search.example.org", "api_key": "a2V5", "ca.crt": authority}


@pytest.mark.parametrize("mode", ["standalone", "external", "eck"])
def test_a_secret_of_the_users_takes_the_client_secrets_place(mode: str) -> None:
    documents = render(CHART, {"mode": mode, "auth": {"existingSecret": "mine"}})
    assert "test-elasticsearch-client" not in yaml.safe_dump(documents)
    tester = only(documents, "Pod")["spec"]["containers"][0]
    assert {v["valueFrom"]["secretKeyRef"]["name"] for v in tester["env"]} == {"mine"}


def test_passwords_are_made_anew_and_long() -> None:
    made = [_secret(only(render(CHART), "Secret", name))["password"] for name in ("test-elasticsearch-client", "test-elasticsearch-elastic") for _ in range(2)]  # fmt: skip  # noqa: E501
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", password) for password in made)


def test_no_file_of_the_chart_holds_a_password() -> None:
    for file in [CHART / "values.yaml", *sorted((CHART / "values").glob("*.yaml"))]:
        assert not re.search(r"(?im)^\s*(password|api_?key|elastic_password):\s*[\"']?[^\"'\s#]", file.read_text()), (
            file
        )


def test_a_digest_beats_the_tag() -> None:
    images = {
        container["image"]
        for _, spec in pod_specs(render(CHART, {"image": {"tag": "9.2.1", "digest": DIGEST}}))
        for container in [*spec.get("initContainers", []), *spec["containers"]]
    }
    assert images == {f"docker.elastic.co/elasticsearch/elasticsearch@{DIGEST}"}


def test_one_node_is_a_cluster_of_its_own() -> None:
    settings = _settings(render(CHART))
    assert settings["discovery.type"] == "single-node"
    assert "discovery.seed_hosts" not in settings


def test_several_nodes_find_each_other_before_any_is_ready() -> None:
    documents = render(CHART, {"replicas": 3})
    settings = _settings(documents)
    assert "discovery.type" not in settings
    assert settings["discovery.seed_hosts"] == ["test-elasticsearch-nodes"]
    service = only(documents, "Service", "test-elasticsearch-nodes")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    nodes = only(documents, "StatefulSet")["spec"]
    assert (nodes["replicas"], nodes["podManagementPolicy"]) == (3, "Parallel")
    assert "podAntiAffinity" in nodes["template"]["spec"]["affinity"]


def test_more_nodes_do_not_restart_those_that_run() -> None:
    three, five = (only(render(CHART, {"replicas": n}), "StatefulSet")["spec"]["template"] for n in (3, 5))
    assert three == five


def test_a_change_of_settings_restarts_the_nodes() -> None:
    before, after = (
        only(render(CHART, values), "StatefulSet")["spec"]["template"]["metadata"]["annotations"]
        for values in ({}, {"settings": {"indices.memory.index_buffer_size": "20%"}})
    )
    assert before != after


def test_security_is_on_and_no_sysctl_is_needed() -> None:
    settings = _settings(render(CHART))
    assert settings["xpack.security.enabled"] is True
    assert settings["xpack.security.transport.ssl.enabled"] is True
    assert settings["node.store.allow_mmap"] is False


def test_tls_changes_the_address_the_probes_and_the_node() -> None:
    documents = render(CHART, {"tls": {"secretName": "certificate"}})
    url = _secret(only(documents, "Secret", "test-elasticsearch-client"))["url"]
    assert url == "https://test-elasticsearch.default.svc:9200"
    assert _settings(documents)["xpack.security.http.ssl.enabled"] is True
    pod = only(documents, "StatefulSet")["spec"]["template"]["spec"]
    assert {"name": "http", "secret": {"secretName": "certificate"}} in pod["volumes"]
    assert {"name": "NODE_SCHEME", "value": "https"} in pod["containers"][0]["env"]


def test_only_labelled_pods_of_named_namespaces_reach_the_nodes() -> None:
    documents = render(CHART, {"networkPolicy": {"clientNamespaces": ["runs"]}})
    policy = only(documents, "NetworkPolicy")["spec"]
    nodes = {"podSelector": {"matchLabels": policy["podSelector"]["matchLabels"]}}
    client = {"podSelector": {"matchLabels": {"semoe/elasticsearch-client": "true"}}}
    runs = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["runs"]}]}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["from"] for rule in policy["ingress"]] == [[client, {**client, "namespaceSelector": runs}], [nodes]]
    assert policy["egress"][0]["to"] == [nodes]
    assert {port["port"] for port in policy["egress"][1]["ports"]} == {53, 5353}
    assert len(policy["egress"]) == 2
    labels = only(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_disruption_budget_covers_the_nodes_and_not_the_test_pod() -> None:
    documents = render(CHART, {"replicas": 3})
    budget = only(documents, "PodDisruptionBudget")["spec"]
    wanted = budget["selector"]["matchLabels"].items()
    assert budget["maxUnavailable"] == 1
    assert wanted <= only(documents, "StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    assert not wanted <= only(documents, "Pod")["metadata"]["labels"].items()


def test_eck_gives_the_operator_the_user_of_the_client_secret() -> None:
    documents = render(CHART, {"mode": "eck", "replicas": 3})
    spec = only(documents, "Elasticsearch")["spec"]
    assert spec["auth"]["fileRealm"] == [{"secretName": "test-elasticsearch-client"}]
    client = only(documents, "Secret", "test-elasticsearch-client")
    assert client["type"] == "kubernetes.io/basic-auth"
    assert _secret(client)["roles"] == "semoe"
    assert _secret(client)["url"] == "http://test-elasticsearch-es-http.default.svc:9200"


def test_scripts_stand_in_files_of_their_own() -> None:
    data = only(render(CHART), "ConfigMap", "test-elasticsearch")["data"]
    for file in ("prepare-config.sh", "alive.sh", "ready.sh"):
        assert data[file].rstrip() == Path(CHART / "files" / file).read_text().rstrip()
