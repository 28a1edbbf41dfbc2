"""Values as the documentation of what runs beside us writes them: each reaches the pods as it is meant."""

import pytest

from tests.helm.argo_pods import pods_of
from tests.helm.charts import CHARTS, Document, needs_helm, only, refusal, render
from tests.helm.workers import CHART, LEAST

pytestmark = needs_helm
BUNDLE = {
    "name": "bundle",
    "configMap": {"name": "example-bundle", "items": [{"key": "trust-bundle.pem", "path": "ca-certificates.crt"}]},
}
CSI = {"name": "tls", "csi": {"driver": "csi.cert-manager.io", "readOnly": True, "volumeAttributes": {
    "csi.cert-manager.io/issuer-name": "ca-issuer",
}}}  # fmt: skip
UNREACHABLE = {
    "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 6000000,
}  # fmt: skip
GT = {"key": "karpenter.k8s.aws/instance-gpu-memory", "operator": "Gt", "values": ["40000"]}
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1111:role/semoe", "eks.amazonaws.com/token-expiration": "86400"}
IPV6 = [{"to": [{"ipBlock": {"cidr": "fd00:10:96::/112"}}], "ports": [{"protocol": "TCP", "port": 8333}]}]


def computing(values: Document) -> Document:
    """The pod that trains."""
    ((_, pod),) = [one for one in pods_of(render(CHART, LEAST | values)) if one[0].endswith("/encode-shard")][:1]
    return pod


@pytest.mark.parametrize(
    "labels",
    [
        {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"},
        {"kueue.x-k8s.io/queue-name": "user-queue", "kueue.x-k8s.io/priority-class": "sample-priority"},
        {"azure.workload.identity/use": "true"},
    ],
)
def test_labels_by_which_others_know_pods(labels: dict[str, str]) -> None:
    assert labels.items() <= computing({"podLabels": labels})["metadata"]["labels"].items()


@pytest.mark.parametrize("volume", [BUNDLE, CSI], ids=["trust-manager", "csi-driver"])
def test_certificates_from_cert_manager(volume: Document) -> None:
    mount = {"name": volume["name"], "mountPath": "/etc/ssl/certs/", "readOnly": True}
    spec = computing({"extraVolumes": [volume], "extraVolumeMounts": [mount]})["spec"]
    assert volume in spec["volumes"]
    assert mount in next(one for one in spec["containers"] if one["name"] == "main")["volumeMounts"]


def test_where_pods_go_on_clusters_in_use() -> None:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [GT]}],
    }}}  # fmt: skip
    placement = {
        "nodeSelector": {"karpenter.sh/capacity-type": "spot", "cloud.google.com/gke-spot": "true"},
        "tolerations": [UNREACHABLE, {"operator": "Exists"}], "affinity": affinity,
        "priorityClassName": "system-cluster-critical", "runtimeClassName": "nvidia",
    }  # fmt: skip
    spec = computing({"placement": placement, "gpu": {"resource": "nvidia.com/mig-1g.10gb"}})["spec"]
    assert spec | {"tolerations": spec["tolerations"][:2]} == spec | placement
    assert isinstance(spec["tolerations"][0]["tolerationSeconds"], int)
    assert "nvidia.com/mig-1g.10gb" in next(o for o in spec["containers"] if o["name"] == "main")["resources"]["limits"]
    assert "runtimeClassName" not in computing({})["spec"], "an empty one would be refused"


def test_an_identity_of_the_cloud_is_an_annotation_in_texts() -> None:
    accounts = {"worker": {"annotations": ROLE}}
    documents = render(CHART, {"store": {"url": "s3://bucket/semoe"}, "serviceAccounts": accounts})
    assert only(documents, "ServiceAccount", "semoe-worker")["metadata"]["annotations"] == ROLE
    number = {"worker": {"annotations": {"eks.amazonaws.com/token-expiration": 86400}}}
    assert "token-expiration': got number, want string" in refusal(CHART, LEAST | {"serviceAccounts": number})


def test_a_cluster_with_ipv6_alone() -> None:
    store = LEAST["store"] | {"endpoint": "http://[fd00:10:96::8]:8333"}
    documents = render(CHART, LEAST | {"store": store, "networkPolicy": {"s3": IPV6, "apiServer": IPV6}})
    assert only(documents, "ConfigMap", "test-config")["data"]["AWS_ENDPOINT_URL_S3"] == "http://[fd00:10:96::8]:8333"
    assert IPV6[0] in only(documents, "NetworkPolicy", "test-allow")["spec"]["egress"]
    external = {"mode": "external", "external": {"url": "https://[fd00::10]:9200", "apiKey": "abc=="}}
    assert only(render(CHARTS / "elasticsearch", external), "Secret", "test-elasticsearch-client")


def test_nodes_of_elasticsearch_spread_over_zones() -> None:
    spread = {
        "maxSkew": 1, "minDomains": 3, "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "elasticsearch"}}, "nodeTaintsPolicy": "Honor",
        "matchLabelKeys": ["controller-revision-hash"],
    }  # fmt: skip
    values = {"replicas": 3, "topologySpreadConstraints": [spread], "tolerations": [UNREACHABLE]}
    spec = only(render(CHARTS / "elasticsearch", values), "StatefulSet")["spec"]["template"]["spec"]
    assert (spec["topologySpreadConstraints"], spec["tolerations"]) == ([spread], [UNREACHABLE])
