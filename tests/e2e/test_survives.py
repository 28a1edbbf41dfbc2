"""What a cluster does to a run, and that nothing is lost or trained twice: pods and services that vanish, an end in
between, a configuration that can never work."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.cluster.argo import template_name
from semoe.reproduction.written import read_report
from tests.e2e.cluster import NAMESPACE, ROOT, command, get, kubectl, running, semoe, start, status, wait_until
from tests.e2e.conftest import DATA, QUICK, plan
from tests.e2e.disturbed import controller_restarted, drained, nodes_of, phase, s3_away, workflow_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]
STORE = "s3://semoe/faults"
AGAIN = f"""
[experiment]
title = "The questions of another run"
of = "nobody"
about = "Its passages, its recipe: its experts."
differs = []

[recipe]
model_name = "smollm2"
preset = "{QUICK}"

[plan]
dataset = ["popqa"]
"""


def test_a_run_survives_what_happens_to_its_pods(
    finished: dict[str, Any], s3: dict[str, str], minutes: dict[str, float]
) -> None:
    """Its node is drained mid-shard, `argo terminate`, then resume; Argo's controller restarted and S3 away while it
    trains, Elasticsearch away while answers switch."""
    place = ("--run", "faults", "--store", STORE)
    plan("faults", s3, "--store", STORE, "--method", "token", "--inference_method", "prag", "--missing", "icl")
    began = time.monotonic()
    semoe(
        "run", *place, "--backend", "argo", "--namespace", NAMESPACE, "--detach",
        "--parameter", "commit_seconds=1", **s3,
    )  # fmt: skip
    wait_until(lambda: running("encode"), 600, "a training pod")
    time.sleep(8)
    with drained("faults"):
        wait_until(lambda: "Unschedulable" in status(*place, **s3), 120, "status that says why nothing starts")
    wait_until(lambda: tried_again("faults"), 300, "another attempt at the shard")
    command("argo", "terminate", "-n", NAMESPACE, workflow_of("faults")["metadata"]["name"])
    wait_until(lambda: phase("faults") == "Failed", 120, "the terminated workflow")
    before = set(running("encode"))
    following = start("resume", *place, "--backend", "argo", "--namespace", NAMESPACE, "--json", **s3)
    wait_until(lambda: set(running("encode")) - before, 600, "a training pod")
    with s3_away():
        controller_restarted()
        time.sleep(60)
    wait_until(lambda: running("inference"), 900, "a pod that answers")
    kubectl("delete", "pod", "elasticsearch-0", "--wait=false")
    assert following.wait(900) == 0
    minutes["minutes of the run with faults"] = (time.monotonic() - began) / 60
    report = json.loads(semoe("report", *place, "--json", **s3))
    experts = report["experts"]
    assert experts["in_store"] + experts["without_pairs"] == experts["planned"] == finished["experts"]["planned"]
    assert experts["committed"] == experts["committed_distinct"] == experts["in_store"]
    assert [(one["method"], one["num_questions"]) for one in report["overall"]] == [("token-prag", 8)]


def tried_again(run: str) -> bool:
    """Whether a training shard has a second pod."""
    return any(n["displayName"].endswith("(1)") and n.get("templateName") == "encode-shard" for n in nodes_of(run))


def test_a_wrong_configuration_fails_at_once_and_status_shows_why(finished: dict[str, Any], s3: dict[str, str]) -> None:
    """Whatever it is called: Argo says `Evicted` of pods that are to be tried again."""
    place = ("--run", "wrong", "--store", "s3://semoe/wrong")
    plan("wrong", s3, "--store", "s3://semoe/wrong", "--augment_model", "/no/such/Evicted/model")
    said = semoe("run", *place, "--backend", "argo", "--namespace", NAMESPACE, fails=True, **s3)
    assert "/no/such/Evicted/model" in said
    tried = [node for node in nodes_of("wrong") if node.get("templateName", "") == "augment-shard"]
    assert tried
    assert all(node["outputs"]["exitCode"] == "2" and node["displayName"].endswith("(0)") for node in tried)
    shown = status(*place, **s3)
    assert "failed for good" in shown
    assert "argo=true" not in shown
    assert "/no/such/Evicted/model" in shown
    outcome = json.loads(semoe("report", *place, "--partial", "--json", **s3))
    assert "/no/such/Evicted/model" in outcome["failures"][0]["message"]


def test_an_experiment_that_is_cancelled_goes_on_and_ends_with_its_report(
    finished: dict[str, Any], s3: dict[str, str], tmp_path: Path
) -> None:
    """The questions of the run `first`, in its store: every expert is found, only answers are made."""
    config, report = tmp_path / "again.toml", tmp_path / "report"
    config.write_text(AGAIN)
    place = ("--run", "again", "--store", "s3://semoe/experts")
    again = (
        "reproduce", "--config", str(config), *place, "--data_dir", str(DATA), "--retriever", "elasticsearch/names",
        "--retrieve_later", "--shards", "4", "--question_shards", "2", "--backend", "argo", "--namespace", NAMESPACE,
        "--to", str(report),
    )  # fmt: skip
    semoe(*again, "--detach", **s3)
    said = semoe("run", *place, "--backend", "argo", "--namespace", NAMESPACE, fails=True, **s3)
    assert "is at work" in said
    command("argo", "suspend", "-n", NAMESPACE, workflow_of("again")["metadata"]["name"])
    assert "argo resume" in status(*place, **s3)
    semoe("cancel", *place, "--namespace", NAMESPACE, **s3)
    wait_until(lambda: phase("again") == "Failed", 180, "the cancelled workflow")
    semoe(*again, **s3)
    experts = json.loads(semoe("report", *place, "--json", **s3))["experts"]
    assert (experts["committed"], experts["in_store"]) == (0, finished["experts"]["in_store"])
    found = read_report(report / "report.json")
    assert [round(one.scores["f1"].mean, 6) for one in found.cells] == [
        round(one["scores"]["f1"], 6) for one in finished["overall"]
    ]
    assert "8 questions where that has 14,267" in (report / "report.html").read_text()


def test_upgrade_rollback_and_uninstall(finished: dict[str, Any]) -> None:
    chart, release = str(ROOT / "helm" / "workers"), ("semoe", "-n", NAMESPACE)

    def attempts() -> str:
        template = get("workflowtemplate", template_name("encode"))
        return next(p["value"] for p in template["spec"]["arguments"]["parameters"] if p["name"] == "max_attempts")

    command("helm", "upgrade", *release[:1], chart, *release[1:], "--reuse-values", "--set", "maxAttempts=3")
    assert attempts() == "3"
    command("helm", "rollback", *release)
    assert attempts() == "20"
    # What somebody edited by hand is not the chart's any more: see docs/kubernetes.md, Upgrades.
    edited = {"spec": {"arguments": get("workflowtemplate", template_name("encode"))["spec"]["arguments"]}}
    next(p for p in edited["spec"]["arguments"]["parameters"] if p["name"] == "max_attempts")["value"] = "7"
    kubectl(
        "patch", "workflowtemplate", template_name("encode"), "--field-manager=kubectl-edit", "--type=merge", "-p",
        json.dumps(edited),
    )  # fmt: skip
    upgrade = ("helm", "upgrade", release[0], chart, *release[1:], "--reuse-values", "--set", "maxAttempts=5")
    assert "conflict" in command(*upgrade, fails=True)
    assert attempts() == "7"
    command(*upgrade, "--force-conflicts")
    assert attempts() == "5"
    command(*upgrade)
    command("helm", "uninstall", *release, "--wait")
    kinds = (
        "pods,workflowtemplates,cronworkflows,roles,rolebindings,networkpolicies,podmonitors,prometheusrules,configmaps,"
        "serviceaccounts"
    )
    left = get(kinds, "-l", "app.kubernetes.io/instance=semoe")["items"]
    assert [one["metadata"]["name"] for one in left] == []
