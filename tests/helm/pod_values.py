"""Values of the workers' chart that say something of every pod, and what its pods must then have."""

from collections.abc import Mapping
from typing import Any

from tests.helm.charts import Document
from tests.helm.workers import LEAST

AUTHORITY = "/etc/semoe/ca/ca.crt"
LABELS = {"kueue.x-k8s.io/queue-name": "batch", "team": "123"}
ANNOTATIONS = {"sidecar.istio.io/inject": "false", "note": 'a: b #c "d" {e}'}
ENV = [
    {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
    {"name": "AWS_MAX_ATTEMPTS", "value": "3"},
    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
]
VOLUME = {"name": "ca", "configMap": {"name": "trust", "optional": True}}
MOUNT = {"name": "ca", "mountPath": "/etc/semoe/ca", "readOnly": True}
EXPRESSION = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}


SPREAD = {
    "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
    "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "semoe"}},
}  # fmt: skip
PLACES = ("nodeSelector", "affinity", "priorityClassName", "topologySpreadConstraints", "runtimeClassName")


def _placed(pool: str) -> Document:
    terms = {"nodeSelectorTerms": [{"matchExpressions": [EXPRESSION | {"values": ["linux", pool]}]}]}
    return {
        "nodeSelector": {"pool": pool},
        "tolerations": [{"key": pool, "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "priorityClassName": pool,
        "topologySpreadConstraints": [SPREAD | {"maxSkew": 1000000}],
        "runtimeClassName": f"{pool}-runtime",
    }


SCRATCH = {"ephemeral-storage": "100Mi"}
PLACED, OTHERS = _placed("gpu"), _placed("cpu")
VALUES: Document = LEAST | {
    "store": LEAST["store"] | {"endpoint": "https://s3.internal:9000", "caFile": AUTHORITY},
    "image": {"pullSecrets": [{"name": "123"}], "pullPolicy": "Never"},
    "userId": 20002,
    "resources": {
        "cpu": "2", "memory": "3Gi",
        "requests": {"ephemeral-storage": "1Gi"}, "limits": {"cpu": "4", "ephemeral-storage": "20Gi"},
    },
    "otherPods": {"resources": {"cpu": "300m", "memory": "1Gi"}, "placement": OTHERS},
    "executor": {"requests": {"cpu": "20m"} | SCRATCH, "limits": {"cpu": "600m"} | SCRATCH},
    "placement": PLACED, "podLabels": LABELS, "podAnnotations": ANNOTATIONS,
    "extraEnv": ENV, "extraVolumes": [VOLUME], "extraVolumeMounts": [MOUNT],
    "quota": {"enabled": True, "hard": {
        "limits.cpu": "80", "requests.cpu": 80, "limits.memory": "200Gi", "limits.ephemeral-storage": "400Gi",
        "requests.ephemeral-storage": "40Gi",
    }},
}  # fmt: skip
EXECUTOR = {
    "requests": {"cpu": "20m", "memory": "64Mi", "ephemeral-storage": "100Mi"},
    "limits": {"cpu": "600m", "memory": "256Mi", "ephemeral-storage": "100Mi"},
}


def assert_has_all(pod: Document, *, computes: bool) -> None:
    """Holds a pod to the values: one that computes, or one of the others."""
    assert LABELS.items() <= pod["metadata"]["labels"].items()
    assert ANNOTATIONS.items() <= pod["metadata"]["annotations"].items()
    spec = pod["spec"]
    wanted = PLACED if computes else OTHERS
    assert {key: spec[key] for key in PLACES} == {key: wanted[key] for key in PLACES}
    assert [one for one in spec["tolerations"] if "node.kubernetes.io" not in one["key"]] == wanted["tolerations"]
    assert spec["imagePullSecrets"] == [{"name": "123"}]
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == 20002
    assert spec["securityContext"]["runAsNonRoot"] is True
    (volume,) = [one for one in spec["volumes"] if one["name"] == "ca"]
    assert volume["configMap"].items() >= VOLUME["configMap"].items()
    containers = {one["name"]: one for one in (*spec["initContainers"], *spec["containers"])}
    assert set(containers) == {"init", "wait", "main"}
    assert containers["init"]["resources"] == containers["wait"]["resources"] == EXECUTOR
    _main(containers["main"], computes)


def _main(container: Mapping[str, Any], computes: bool) -> None:
    assert container["imagePullPolicy"] == "Never"
    cpu, memory = ("2", "3Gi") if computes else ("300m", "1Gi")
    found = container["resources"]
    assert found["requests"].items() >= {"cpu": cpu, "memory": memory, "ephemeral-storage": "1Gi"}.items()
    assert found["limits"].items() >= {"cpu": "4", "memory": memory, "ephemeral-storage": "20Gi"}.items()
    assert ("nvidia.com/gpu" in found["limits"]) is computes
    env = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
    assert env["HTTPS_PROXY"] == "http://proxy:3128"
    assert env["AWS_MAX_ATTEMPTS"] == "3"
    assert env["NODE"]["fieldRef"]["fieldPath"] == "spec.nodeName"
    assert [one["name"] for one in container["env"]].count("AWS_MAX_ATTEMPTS") == 1
    assert MOUNT in container["volumeMounts"]
    assert {"/tmp", "/cache", "/etc/semoe/elasticsearch"} <= {one["mountPath"] for one in container["volumeMounts"]}
