"""`reproduce` on a real cluster: from a corpus in S3 to a report, equal to what this machine makes of the same plan."""

import base64
import json
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scripts.dashboard import panel_queries
from tests.e2e.cluster import NAMESPACE, ROOT, command, forwarded, get, semoe
from tests.e2e.conftest import PLACE, QUICK

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]
STAGES = ("retrieve", "augment", "encode", "inference")


def test_the_workers_have_what_they_need(installed: None, s3: dict[str, str]) -> None:
    command("helm", "test", "semoe", "-n", NAMESPACE, "--timeout", "5m", "--logs")
    said = semoe("doctor", "--cluster", "--submit", "--namespace", NAMESPACE, **s3)
    assert said.count(" ok ") == 6, said


def test_every_passage_has_an_expert_trained_once(finished: dict[str, Any]) -> None:
    experts = finished["experts"]
    assert experts["planned"] > 20
    assert experts["in_store"] + experts["without_pairs"] == experts["planned"]
    assert experts["committed"] == experts["committed_distinct"] == experts["in_store"]
    assert all(one["num_questions"] == 8 for one in finished["overall"])


def test_the_work_was_fanned_out_over_gpu_pods(finished: dict[str, Any], minutes: dict[str, float]) -> None:
    (workflow,) = get("workflows", "-l", "semoe/run=first")["items"]
    nodes = [node for node in workflow["status"]["nodes"].values() if node["type"] == "Pod"]
    # A shard that was tried again, as on a node under load, is one all the same.
    pods = {(node.get("templateName", ""), json.dumps(node.get("inputs", {}))) for node in nodes}
    templates = Counter(template for template, _ in pods)
    shards = {stage: templates[f"{stage}-shard"] for stage in STAGES}
    assert shards == {"retrieve": 2, "augment": 4, "encode": 4, "inference": 2}
    seen = finished["pods"]
    assert {pod["spec"]["serviceAccountName"] for pod in seen["inference"]} == {"semoe-inference"}
    assert {pod["spec"]["serviceAccountName"] for pod in seen["encode"]} == {"semoe-worker"}
    for pod in (*seen["encode"], *seen["inference"]):
        main = next(one for one in pod["spec"]["containers"] if one["name"] == "main")
        assert main["resources"]["limits"]["nvidia.com/gpu"] == "1"
    minutes["pods of the workflow"] = len(nodes)


def test_status_logs_and_report_tell_of_it(finished: dict[str, Any], s3: dict[str, str]) -> None:
    stages = json.loads(semoe("status", *PLACE, "--format", "json", **s3))
    assert [(one["finished"], one["num_shards"]) for one in stages] == [(2, 2), (4, 4), (4, 4), (2, 2)]
    assert "encode shard 3" in semoe("logs", *PLACE, "--stage", "encode", "--shard", "3", **s3)
    outcome = semoe("report", *PLACE, "--partial", "--json", **s3)
    assert json.loads(outcome)["experts"] == finished["experts"]


def test_answers_equal_those_of_this_machine(
    finished: dict[str, Any], s3: dict[str, str], tmp_path: Path, minutes: dict[str, float]
) -> None:
    """The same plan in a store of its own, trained and answered here; only Elasticsearch is the cluster's."""
    secret = get("secret", "elasticsearch-client")["data"]
    own = str(tmp_path / "store")
    began = time.monotonic()
    with forwarded("service/elasticsearch", 9200) as url:
        reach = {"SEMOE_ES_URL": url, "OMP_NUM_THREADS": "1"}
        reach |= {f"SEMOE_ES_{key.upper()}": decoded(secret[key]) for key in ("username", "password")}
        semoe(
            "plan", "--run", "first", "--store", own, "--dataset", "popqa", "--data_path",
            str(ROOT / "semoe/demo_data/popqa"), "--model_name", "smollm2", "--preset", QUICK,
            "--retriever", "elasticsearch/names", "--retrieve_later", "--shards", "4", "--question_shards", "2",
        )  # fmt: skip
        said = semoe("run", "--run", "first", "--store", own, "--parallelism", "2", "--json", **reach)
    minutes["minutes of the same plan on this machine"] = (time.monotonic() - began) / 60
    here = json.loads(said[said.index("{") :])
    assert here["experts"]["space"] == finished["experts"]["space"]
    assert [one["scores"] for one in here["overall"]] == [one["scores"] for one in finished["overall"]]
    there = tmp_path / "there"
    semoe("export", *PLACE, "--to", str(there), **s3)
    semoe("export", "--run", "first", "--store", own, "--to", str(tmp_path / "here"))
    answers = sorted(there.glob("output/**/predict.json"))
    assert len(answers) == 5
    for path in answers:
        ours = json.loads((tmp_path / "here" / path.relative_to(there)).read_text())
        assert [one["text"] for one in json.loads(path.read_text())] == [one["text"] for one in ours]


def test_every_panel_finds_its_metrics_in_prometheus(finished: dict[str, Any]) -> None:
    """The Prometheus that scraped the run answers each query of the dashboard with at least one series.

    What NVML alone tells is absent on nodes without a GPU; tests/telemetry asks for it, with a stand-in.
    """
    dashboard = json.loads((ROOT / "helm/workers/dashboards/runs.json").read_text())
    queries = panel_queries(dashboard, NAMESPACE)
    assert len(queries) > 10
    with forwarded("service/prometheus", 9090, "monitoring") as prometheus:
        empty = [query for query in queries if "semoe_gpu_" not in query and not series(prometheus, query)]
    assert not empty


def test_only_pods_that_serve_metrics_are_scraped_and_counts_say_of_which_namespace(finished: dict[str, Any]) -> None:
    with forwarded("service/prometheus", 9090, "monitoring") as prometheus:
        targets = series(prometheus, f'up{{job="{NAMESPACE}/semoe"}}')
        counted = series(prometheus, f'argo_workflows_semoe_encode_trained_total{{exported_namespace="{NAMESPACE}"}}')
    scraped = [one["metric"]["pod"] for one in targets]
    serving = [pod for pod in scraped if any(word in pod for word in ("-shard-", "-share-", "-index-"))]
    assert sorted(scraped) == sorted(serving)
    assert len(serving) > 8
    assert max(float(value) for one in counted for _, value in one["values"]) >= finished["experts"]["committed"]


def series(prometheus: str, query: str) -> list[Any]:
    """Asks as Grafana would, over the last hour."""
    now = time.time()
    asked = urllib.parse.urlencode({"query": query, "start": now - 3600, "end": now, "step": 15})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query_range?{asked}") as answer:
        found = json.load(answer)
    assert found["status"] == "success", query
    return list(found["data"]["result"])


def decoded(text: str) -> str:
    return base64.b64decode(text).decode()
