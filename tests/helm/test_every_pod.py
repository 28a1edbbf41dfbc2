"""What the workers' chart says of every pod reaches every pod, Argo's own containers and the release's tests too."""

import json
import re

import pytest

from tests.helm.argo_pods import pods_of
from tests.helm.charts import Document, needs_helm, only, refusal, render
from tests.helm.pod_values import ANNOTATIONS, AUTHORITY, ENV, LABELS, MOUNT, OTHERS, VALUES, VOLUME, assert_has_all
from tests.helm.workers import CHART, LEAST

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
DISK = {"ephemeral-storage": "2Gi"}
UNFIT: Document = {
    "image": {"pullPolicy": "always"}, "userId": -1, "commitSeconds": 0,
    "podLabels": {"app.kubernetes.io/name": "x", "semoe/stage": "x", "a b": "x", "team": "a b"},
    "podAnnotations": {"inject": False},
    "resources": {"cpu": "0", "memory": "16", "limits": {"cpu": 4, "ephemeral-storage": "", "memory": "1Gi"}},
    "otherPods": {"resources": {"cpu": "1e3"}},
    "extraVolumes": [{"name": "tmp", "emptyDir": {}}, {"name": "ca"}, {"name": "ca", "configMap": None}],
    "extraVolumeMounts": [{"name": "ca", "mountPath": "/cache/"}, {"name": "ca", "mountPath": "ca"}, {"name": "ca"}],
    "extraEnv": [{"name": "A"}, {"name": "A", "value": 1}, {"name": "A", "valueFrom": {}}],
    "environment": {"a b": "c"},
    "placement": {
        "tolerations": [{}, {"key": None}, {"operatr": "Exists"}], "affinity": {"node": {}}, "runtimeClassName": "a b",
        "topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "Never"}, {}],
    },
    "modelVolume": {"persistentVolumeClaim": {}},
    "networkPolicy": {
        "s3": [{}], "identity": [{"to": [], "ports": [{"port": 443}]}], "modelHub": [{"to": None}],
        "apiServer": [{"from": [{"podSelector": {}}]}], "prometheus": [{"from": [{}]}],
    },
    "metrics": {"podMonitor": {"interval": "5m"}},
    "submitters": [{"kind": "Person", "name": ""}],
    "quota": {"hard": {"pods": ""}},
}  # fmt: skip
NAMED = (
    "/image/pullPolicy", "/userId", "/commitSeconds",
    "/podLabels/app.kubernetes.io~1name", "/podLabels/semoe~1stage",
    "at '/podLabels': additional properties 'a b' not", "/podLabels/team", "/podAnnotations/inject", "/resources/cpu",
    "/resources/memory", "/resources/limits/cpu", "/resources/limits/ephemeral-storage", "'memory' not allowed",
    "/otherPods/resources/cpu", "/extraVolumes/0/name", "/extraVolumes/1", "/extraVolumes/2/configMap",
    "/extraVolumeMounts/0/mountPath", "/extraVolumeMounts/1/mountPath",
    "'/extraVolumeMounts/2': missing property 'mountPath'", "/extraEnv/0", "/extraEnv/1/value",
    "/extraEnv/2/valueFrom", "at '/environment': additional properties 'a b' not", "/placement/tolerations/0",
    "/placement/tolerations/1/key", "'operatr' not allowed", "'node' not allowed", "/placement/runtimeClassName",
    "/placement/topologySpreadConstraints/0/maxSkew", "/placement/topologySpreadConstraints/0/whenUnsatisfiable",
    "'/placement/topologySpreadConstraints/1': missing properties",
    "'/modelVolume/persistentVolumeClaim': missing property 'claimName'", "/networkPolicy/s3/0",
    "/networkPolicy/identity/0/to", "/networkPolicy/modelHub/0/to", "'from' not allowed",
    "/networkPolicy/prometheus/0/from/0", "/metrics/podMonitor/interval", "/submitters/0/kind", "/submitters/0/name",
    "/quota/hard/pods",
)  # fmt: skip
COMPUTE = ("augment-shard", "encode-shard", "inference-shard", "vectors-share", "doctor")
pytestmark = needs_helm


def test_what_is_said_of_every_pod_reaches_every_pod() -> None:
    documents = render(CHART, VALUES)
    pods = dict(pods_of(documents))
    assert len(pods) > 12
    for name, pod in pods.items():
        assert_has_all(pod, computes=name.rpartition("/")[2] in COMPUTE)
    assert only(documents, "ConfigMap", "test-config")["data"]["AWS_CA_BUNDLE"] == AUTHORITY


def test_the_tests_of_the_release_are_such_pods() -> None:
    for name in ("test-test-worker", "test-test-rights"):
        pod = only(render(CHART, VALUES), "Pod", name)
        assert LABELS.items() <= pod["metadata"]["labels"].items()
        assert ANNOTATIONS.items() <= pod["metadata"]["annotations"].items()
        assert OTHERS.items() <= pod["spec"].items()
        (container,) = pod["spec"]["containers"]
        assert container["resources"]["limits"] == {"cpu": "4", "memory": "1Gi", "ephemeral-storage": "20Gi"}
        assert all(one in container["env"] for one in ENV)
        assert MOUNT in container["volumeMounts"]
        assert pod["spec"]["imagePullSecrets"] == [{"name": "123"}]
        assert pod["spec"]["securityContext"]["runAsUser"] == 20002
        assert container["imagePullPolicy"] == "Never"


def test_a_cluster_that_numbers_its_users_chooses_the_number_and_never_root() -> None:
    documents = render(CHART, LEAST | {"userId": 0})
    pods = [pod for _, pod in pods_of(documents)] + [
        only(documents, "Pod", name) for name in ("test-test-worker", "test-test-rights")
    ]
    for pod in pods:
        context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        assert pod["spec"]["securityContext"] == context


def test_unless_it_is_said_pods_have_no_limit_of_cpu_and_no_place() -> None:
    for name, pod in pods_of(render(CHART, LEAST)):
        main = next(one for one in pod["spec"]["containers"] if one["name"] == "main")
        assert "cpu" not in main["resources"]["limits"], name
        assert (pod["spec"]["nodeSelector"], pod["spec"]["tolerations"], pod["spec"]["affinity"]) == ({}, [], {})


def test_what_no_pod_could_have_is_named() -> None:
    """By its place, all at once."""
    message = refusal(CHART, LEAST | UNFIT).replace('\\"', '"')
    assert [words for words in NAMED if words not in message] == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"podAnnotations": {"a": "{{b}}"}}, "podAnnotations has {{, which Argo would replace"),
        ({"resources": {"limits": {"cpu": "3500m"}}}, "resources.limits.cpu is 3500m, less than resources.cpu"),
        ({"resources": {"cpu": "100m", "limits": {"cpu": "0.2"}}}, "less than otherPods.resources.cpu, which is 250m"),
        ({"resources": {"requests": DISK, "limits": {"ephemeral-storage": "1G"}}}, "is 1G, less than"),
        ({"executor": {"limits": {"memory": "32Mi"}}}, "executor.limits.memory is 32Mi, less than"),
        ({"quota": {"enabled": True, "hard": {"limits.cpu": "8"}}}, "give resources.limits.cpu"),
        ({"quota": {"hard": {"requests.ephemeral-storage": "8Gi"}}}, "give executor.requests.ephemeral-storage"),
        ({"executor": {"limits": {"cpu": None}}, "quota": {"hard": {"limits.cpu": "8"}}}, "give executor.limits.cpu"),
        ({"extraVolumes": [VOLUME] * 2}, "two volumes called ca"),
        ({"extraVolumeMounts": [MOUNT]}, "mounts ca at /etc/semoe/ca, and extraVolumes has no such volume"),
        ({"extraEnv": [{"name": "OMP_NUM_THREADS", "value": "8"}]}, "extraEnv has OMP_NUM_THREADS"),
        ({"environment": {"OMP_NUM_THREADS": "8"}}, "environment.OMP_NUM_THREADS would change nothing"),
        ({"environment": {"AWS_MAX_ATTEMPTS": "3"}}, "give it in extraEnv"),
        ({"environment": {"AWS_CA_BUNDLE": "/x"}}, "environment.AWS_CA_BUNDLE is what store.caFile says"),
        ({"metrics": {"podMonitor": {"interval": "1m5s", "lastScrapeSeconds": 65}}},
         "metrics.podMonitor.lastScrapeSeconds is 65, and metrics.podMonitor.interval 1m5s"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named_with_its_cure(values: Document, words: str) -> None:
    assert words in refusal(CHART, LEAST | values).replace('\\"', '"')


def test_every_interval_for_which_the_alerts_hold_is_taken() -> None:
    pattern = re.compile(
        SCHEMA["properties"]["metrics"]["properties"]["podMonitor"]["properties"]["interval"]["pattern"]
    )
    assert all(pattern.search(one) for one in ("1s", "15s", "59s", "60s", "1m", "1m30s", "120s", "2m"))
    assert not any(
        pattern.search(one) for one in ("", "0s", "0m", "121s", "2m1s", "3m", "5m", "1h", "500ms", "15", "1m60s")
    )
