"""What the workers' chart makes of its values."""

import json
from typing import Any

import pytest
import yaml

from pipelines.render import CONCEPTS
from semoe import __version__
from semoe.cli.cluster.argo import template_name
from tests.helm.charts import CHARTS, Document, kinds, needs_helm, only, refusal, render, run
from tests.helm.workers import CHART, LEAST, defaults

FILES = sorted((CHART / "values").glob("*.yaml"))
EGRESS = [53, 53, 5353, 5353, 53, 53, 443, 9200, 443, 6443, 80, 988]
pytestmark = needs_helm


def test_the_workflows_are_the_goldens_with_the_values_as_defaults() -> None:
    documents = render(CHART, LEAST | {"gpu": {"count": 2}, "parallelism": 7, "keepSeconds": 60, "commitSeconds": 5})
    assert kinds(documents).count("WorkflowTemplate") == len(CONCEPTS)
    given = defaults(documents)
    assert (given["store"], given["gpus"], given["s3_secret"]) == ("s3://bucket/semoe", "2", "keys")
    assert given["commit_seconds"] == "5"
    assert given["inference_s3_secret"] == "keys"
    golden = yaml.safe_load((CHARTS.parent / "manifests/workflows/encode.yaml").read_text())
    template = only(documents, "WorkflowTemplate", template_name("encode"))
    assert template["spec"]["templates"] == golden["spec"]["templates"]
    assert (template["spec"]["parallelism"], template["spec"]["ttlStrategy"]) == (7, {"secondsAfterCompletion": 60})


def test_lists_and_volumes_reach_the_pods_as_json() -> None:
    tolerations = [{"key": "gpu", "operator": "Exists"}]
    placement = {"nodeSelector": {"pool": "big"}, "tolerations": tolerations, "priorityClassName": "batch"}
    volume = {"persistentVolumeClaim": {"claimName": "models"}}
    given = defaults(render(CHART, LEAST | {"placement": placement, "modelVolume": volume}))
    assert json.loads(given["tolerations"]) == tolerations
    assert json.loads(given["node_selector"]) == {"pool": "big"}
    assert json.loads(given["cache_volume"]) == {"name": "cache"} | volume
    assert json.loads(defaults(render(CHART, LEAST))["cache_volume"]) == {"name": "cache", "emptyDir": {}}


@pytest.mark.parametrize(
    ("image", "tag"),
    [({}, __version__), ({"variant": "cuda"}, f"{__version__}-cuda"), ({"tag": "7"}, "7")],
)
def test_an_image_without_a_tag_is_the_charts_own(image: Document, tag: str) -> None:
    assert defaults(render(CHART, LEAST | {"image": image}))["image"] == f"semoe-worker:{tag}"


def test_an_image_by_digest_goes_before_its_tag() -> None:
    digest = "sha256:" + "0" * 64
    image = {"repository": "registry.example.com/w", "tag": "1", "digest": digest}
    assert defaults(render(CHART, LEAST | {"image": image}))["image"] == f"registry.example.com/w@{digest}"


def test_workers_may_leave_results_and_nothing_else() -> None:
    documents = render(CHART, LEAST)
    for account in ("semoe-worker", "semoe-inference"):
        assert only(documents, "Role", account)["rules"] == [
            {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
        ]
        assert only(documents, "RoleBinding", account)["subjects"][0]["name"] == account


def test_submitters_are_bound_to_their_role() -> None:
    people = [{"kind": "Group", "name": "researchers", "apiGroup": "rbac.authorization.k8s.io"}]
    assert only(render(CHART, LEAST | {"submitters": people}), "RoleBinding", "semoe-submitter")["subjects"] == people


def test_nothing_goes_in_or_out_but_what_is_named() -> None:
    documents = render(CHART, LEAST)
    assert set(only(documents, "NetworkPolicy", "test-deny")["spec"]) == {"podSelector", "policyTypes"}
    allowed = only(documents, "NetworkPolicy", "test-allow")["spec"]
    assert [port["port"] for rule in allowed["egress"] for port in rule["ports"]] == EGRESS
    assert [port["port"] for rule in allowed["ingress"] for port in rule["ports"]] == ["metrics"]


def test_the_policies_hold_for_every_pod_that_the_chart_starts() -> None:
    documents = render(CHART, LEAST)
    templates = [one for d in documents if d["kind"] == "WorkflowTemplate" for one in d["spec"]["templates"]]
    pods = [one for one in templates if "container" in one] + [d for d in documents if d["kind"] == "Pod"]
    assert len(pods) > len(CONCEPTS)
    for policy in ("test-deny", "test-allow"):
        selector = only(documents, "NetworkPolicy", policy)["spec"]["podSelector"]["matchLabels"]
        assert all(selector.items() <= pod["metadata"]["labels"].items() for pod in pods)


def test_what_can_be_left_out_is() -> None:
    off = {"podMonitor": {"enabled": False}, "rules": {"enabled": False}, "dashboards": {"enabled": False}}
    found = kinds(render(CHART, LEAST | {"metrics": off, "networkPolicy": {"enabled": False}}))
    assert not {"PodMonitor", "PrometheusRule", "NetworkPolicy", "ResourceQuota"} & set(found)
    assert found.count("ConfigMap") == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "/store/url"),
        (LEAST | {"paralelism": 3}, "paralelism"),
        (LEAST | {"gpu": {"count": "two"}}, "/gpu/count"),
        ({"store": {"url": "/data"}}, "/store/url"),
        (LEAST | {"quota": {"enabled": True}}, "give quota.hard"),
        (LEAST | {"quota": {"enabled": True, "hard": {"limits.cpu": "8"}}}, "give resources.limits.cpu"),
        (LEAST | {"image": {"tag": "7", "variant": "cuda"}}, "such as 7-cuda"),
        ({"store": {"url": "s3://bucket/x", "inferenceSecret": "a"}}, "without store.workerSecret"),
        (LEAST | {"serviceAccounts": {"inference": {"name": "semoe-worker"}}}, "Give two names"),
    ],
)
def test_mistakes_are_named(values: Document, words: str) -> None:
    assert words in refusal(CHART, values)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_pass_the_strict_linter(path: Any) -> None:
    run("helm", "lint", "--strict", CHART, "--values", path)


@pytest.mark.cluster
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_api_server_takes_every_example(path: Any) -> None:
    documents = [one for one in render(CHART, files=[path]) if one["kind"] != "Pod"]
    assert len(documents) > 15
    run("kubectl", "apply", "--dry-run=server", "-n", "default", "-f", "-", stdin=yaml.safe_dump_all(documents))


def test_alerts_link_to_the_runbook_where_people_read_it() -> None:
    rules = {"runbookUrl": "https://wiki.example.com/semoe/runbook"}
    (group,) = only(render(CHART, LEAST | {"metrics": {"rules": rules}}), "PrometheusRule")["spec"]["groups"]
    links = [rule["annotations"]["runbook_url"] for rule in group["rules"]]
    assert links == [f"{rules['runbookUrl']}#{rule['alert'].lower()}" for rule in group["rules"]]


def test_a_clusters_own_dns_is_let_through() -> None:
    egress = only(
        render(CHART, LEAST | {"networkPolicy": {"dnsAddresses": ["10.0.0.10/32", "fd00::a/128"]}}),
        "NetworkPolicy", "test-allow",
    )["spec"]["egress"]  # fmt: skip
    own = [rule for rule in egress if rule["to"][0].get("ipBlock", {}).get("cidr") == "10.0.0.10/32"]
    assert [one["ipBlock"]["cidr"] for one in own[0]["to"]] == ["10.0.0.10/32", "fd00::a/128"]
    assert {port["port"] for port in own[0]["ports"]} == {53}
