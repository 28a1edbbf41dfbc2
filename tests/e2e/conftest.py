"""An installation as docs/kubernetes.md describes it, in a namespace of its own, and a plan for it.

Needs kubectl, helm and argo on the PATH, a cluster with Argo Workflows, and the images that `make e2e` builds.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.cluster import (
    NAMESPACE,
    RESTRICTED,
    ROOT,
    WORKER_IMAGE,
    command,
    forwarded,
    kubectl,
    pods_of,
    semoe,
    start,
)
from tests.helm.cluster import explained, nudged

STORE = "s3://semoe/experts"
PLACE = ("--run", "first", "--store", STORE)
DATA = ROOT / "semoe" / "demo_data"
QUICK = str(ROOT / "tests" / "e2e" / "quick.toml")
CORPUS = Path(os.environ.get("SEMOE_CORPUS_DIR", DATA)) / (
    "psgs_w100.tsv" if "SEMOE_CORPUS_DIR" in os.environ else "passages.tsv"
)
CORPUS_KEY = "corpora/it's all.tsv"
"""Of those that people choose: Argo and the shell read an apostrophe and a space as their own."""
KEYS = {"worker": ("worker", "worker-secret"), "reader": ("reader", "reader-secret")}
VALUES = f"""
userId: 20002 # not the image's, as on clusters that number their users
image: {{repository: {WORKER_IMAGE.rpartition(":")[0]}, tag: {WORKER_IMAGE.rpartition(":")[2]}}}
store: {{url: "{STORE}", endpoint: "http://seaweed:8333", workerSecret: s3-worker, inferenceSecret: s3-reader}}
gpu: {{count: 1}}
resources: {{cpu: 400m, memory: 3Gi}}
parallelism: 3
networkPolicy:
  s3: [{{to: [{{podSelector: {{matchLabels: {{app: seaweed}}}}}}], ports: [{{port: 8333}}]}}]
metrics: {{podMonitor: {{interval: 5s, lastScrapeSeconds: 10}}}}
"""


MINUTES: dict[str, float] = {}
"""By what took them."""


@pytest.fixture(scope="session")
def minutes() -> dict[str, float]:
    """What is told at the end of the tests."""
    return MINUTES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells what took how long."""
    for what, spent in MINUTES.items():
        terminalreporter.write_line(f"{what}: {spent:.1f}")


@pytest.fixture(scope="session")
def namespace() -> str:
    """A new namespace under *restricted* pod security."""
    command("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=180s")
    command("kubectl", "create", "namespace", NAMESPACE)
    command("kubectl", "label", "namespace", NAMESPACE, RESTRICTED)
    return NAMESPACE


@pytest.fixture(scope="session")
def s3(namespace: str) -> Iterator[dict[str, str]]:
    """An S3 server in the cluster with the corpus in it; what the command line here needs to reach it."""
    kubectl("apply", "-f", str(ROOT / "tests" / "e2e" / "seaweed" / "manifest.yaml"))
    kubectl("rollout", "status", "deployment/seaweed", "--timeout=180s")
    for name, (access, secret) in KEYS.items():
        kubectl(
            "create", "secret", "generic", f"s3-{name}",
            f"--from-literal=AWS_ACCESS_KEY_ID={access}", f"--from-literal=AWS_SECRET_ACCESS_KEY={secret}",
        )  # fmt: skip
    with forwarded("service/seaweed", 8333) as endpoint:
        access, secret = KEYS["worker"]
        client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=access, aws_secret_access_key=secret
        )
        client.create_bucket(Bucket="semoe")
        client.upload_file(str(CORPUS), "semoe", CORPUS_KEY)
        yield {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": access,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture(scope="session")
def installed(s3: dict[str, str], minutes: dict[str, float]) -> None:
    """Both charts."""
    began = time.monotonic()
    chart = str(ROOT / "helm" / "elasticsearch")
    command("helm", "install", "elasticsearch", chart, "-n", NAMESPACE, "-f", f"{chart}/values/kind.yaml")
    command("helm", "install", "semoe", str(ROOT / "helm" / "workers"), "-n", NAMESPACE, "-f", "-", text=VALUES)
    with nudged(NAMESPACE), explained(NAMESPACE):
        kubectl("rollout", "status", "statefulset/elasticsearch", "--timeout=300s")
    minutes["minutes until charts are installed and Elasticsearch is ready"] = (time.monotonic() - began) / 60


def plan(name: str, s3: dict[str, str], *more: str, model: str = "smollm2") -> None:
    """Plans a run on real questions whose passages Elasticsearch is to find."""
    semoe(
        "plan", "--run", name, "--store", STORE, "--dataset", "popqa", "--data_path", str(DATA / "popqa"),
        "--model_name", model, "--preset", QUICK, "--retriever", "elasticsearch/names", "--retrieve_later",
        "--shards", "4", "--question_shards", "2", *more, **s3,
    )  # fmt: skip


@pytest.fixture(scope="session")
def finished(installed: None, s3: dict[str, str], minutes: dict[str, float]) -> dict[str, Any]:
    """The run `first`, done by the cluster; the report as the command line gives it."""
    plan("first", s3)
    began = time.monotonic()
    following = start(
        "run", *PLACE, "--backend", "argo", "--namespace", NAMESPACE, "--corpus", f"s3://semoe/{CORPUS_KEY}",
        **s3,
    )  # fmt: skip
    # Pods that succeeded are removed after a minute: they are looked at while they are there.
    seen: dict[str, list[dict[str, Any]]] = {"encode": [], "inference": []}
    while following.poll() is None:
        for stage in seen:
            seen[stage] += pods_of(stage)
        time.sleep(3)
    assert following.returncode == 0
    minutes["minutes of reproduce: index, retrieve, 4 × augment, 4 × encode, 2 × inference, report"] = (
        time.monotonic() - began
    ) / 60
    report: dict[str, Any] = json.loads(semoe("report", *PLACE, "--json", **s3))
    return report | {"pods": seen}
