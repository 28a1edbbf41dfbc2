"""The Argo back end over a server that keeps workflows as a cluster does; the controller's part is played by hand."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import yaml

from semoe.cli.app import run
from semoe.cli.cluster import argo
from semoe.cli.cluster.argo import RUN_LABEL, ArgoBackend
from semoe.cli.cluster.client import Cluster
from semoe.errors import SemoeError, TransientError, UsageError, WorkerError
from semoe.runs.folder import RunFolder
from semoe.runs.records import Failure
from tests.cli.cluster.api_server import NAMESPACE, ApiServer
from tests.runs.planned import planned

REPRODUCE = Path(__file__).parents[3] / "manifests" / "workflows" / "reproduce.yaml"
Add = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return planned(tmp_path / "store")


@pytest.fixture
def backend(folder: RunFolder, cluster_api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ArgoBackend:
    """With the charts' templates installed, and little patience."""
    monkeypatch.setattr(argo, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(argo, "ENDING_SECONDS", 5.0)
    cluster_api.templates.append(yaml.safe_load(REPRODUCE.read_text()))
    return ArgoBackend(folder=folder, cluster=Cluster(), parameters={"gpus": "2"})


@pytest.fixture
def add(cluster_api: ApiServer, folder: RunFolder) -> Add:
    """Puts a workflow of the run there, a minute younger than the last."""

    def put(name: str, phase: str, *nodes: dict[str, Any], store: str = folder.objects.url, **spec: Any) -> Any:
        created = f"2025-11-28T12:{len(cluster_api.workflows):02}:00Z"
        given = [{"name": "store", "value": store}, {"name": "cpu", "value": "3"}]
        cluster_api.workflows[name] = {
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {RUN_LABEL: "first"},
                "creationTimestamp": created,
            },
            "spec": {"arguments": {"parameters": given}} | spec,
            "status": {"phase": phase, "nodes": {str(number): node for number, node in enumerate(nodes)}},
        }
        return cluster_api.workflows[name]

    return put


def pod(exit_code: str, message: str = "Error") -> dict[str, Any]:
    return {
        "id": "1", "type": "Pod", "templateName": "encode-shard", "phase": "Failed", "message": message,
        "outputs": {"exitCode": exit_code} if exit_code else {},
    }  # fmt: skip


def test_a_run_goes_on_with_the_parameters_of_its_youngest_workflow(
    backend: ArgoBackend, cluster_api: ApiServer, add: Add
) -> None:
    add("first-1", "Failed")
    add("first-2", "Succeeded", store="s3://elsewhere")
    made = cluster_api.workflows[backend.submit()]
    given = {one["name"]: one["value"] for one in made["spec"]["arguments"]["parameters"]}
    assert given == {"cpu": "3", "gpus": "2", "run": "first", "store": backend.folder.objects.url}


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("popqa-llama3.2_1b-elasticsearch", "popqa-llama3-2-1b-elasticsearch-"),
        ("2wikimultihopqa-qwen2.5_1.5b-token", "2wikimultihopqa-qwen2-5-1-5b-token-"),
        ("a" * 64, None),
        ("a" * 63, "a" * 50 + "-"),
        ("No.1", "no-1-"),
        ("both+of=them", None),
    ],
)
def test_a_run_labels_its_workflow_and_lends_it_a_name_that_pods_may_have(
    tmp_path: Path, backend: ArgoBackend, cluster_api: ApiServer, name: str, called: str | None
) -> None:
    backend.folder = planned(tmp_path / "other", run=name)
    if called is None:
        with pytest.raises(UsageError, match="at most 63"):
            backend.submit()
        return
    made = cluster_api.workflows[backend.submit()]["metadata"]
    assert (made["generateName"], made["labels"][RUN_LABEL]) == (called, name)


def test_a_run_that_was_named_by_its_workflow_goes_on_under_that_name(
    backend: ArgoBackend, cluster_api: ApiServer, add: Add
) -> None:
    """As a CronWorkflow begins it: of its parameters `run` is empty, and one is of no use to who goes on."""
    given = [{"name": "run", "value": ""}, {"name": "plan_config_map", "value": "plan"}]
    add("first", "Failed", arguments={"parameters": given})
    assert backend.latest()
    made = cluster_api.workflows[backend.submit()]
    found = {one["name"]: one["value"] for one in made["spec"]["arguments"]["parameters"]}
    assert found == {"gpus": "2", "run": "first", "store": backend.folder.objects.url}


def test_a_run_that_an_older_workflow_works_on_is_not_submitted(
    backend: ArgoBackend, cluster_api: ApiServer, add: Add
) -> None:
    """`argo retry` of the older one brings it back to work."""
    add("first-1", "Running")
    add("first-2", "Succeeded")
    with pytest.raises(UsageError, match=r"first-1.*cancel"):
        backend.submit()
    assert len(cluster_api.workflows) == 2


def test_a_workflow_that_is_ending_is_waited_for_even_if_a_younger_one_is_over(
    backend: ArgoBackend, cluster_api: ApiServer, add: Add
) -> None:
    ending = add("first-1", "Running", shutdown="Stop")
    add("first-2", "Succeeded")
    Timer(0.5, ending["status"].update, kwargs={"phase": "Failed"}).start()
    backend.submit()
    assert (ending["status"]["phase"], len(cluster_api.workflows)) == ("Failed", 3)


def test_a_suspended_workflow_that_was_told_to_stop_is_not_waited_for(backend: ArgoBackend, add: Add) -> None:
    add("first-1", "Running", shutdown="Stop", suspend=True)
    began = time.monotonic()
    with pytest.raises(UsageError, match="argo resume first-1"):
        backend.submit()
    assert time.monotonic() - began < argo.ENDING_SECONDS


def test_cancel_ends_a_suspended_workflow(cluster_api: ApiServer, folder: RunFolder, add: Add) -> None:
    add("first-1", "Running", suspend=True)
    assert run(["cancel", "--run", "first", "--store", folder.objects.url, "--namespace", NAMESPACE]) == 0
    assert "suspend" not in cluster_api.workflows["first-1"]["spec"]
    assert cluster_api.workflows["first-1"]["spec"]["shutdown"] == "Stop"


SUSPENDED = [({"suspend": True}, {}), ({}, {"type": "Suspend", "phase": "Running"})]


@pytest.mark.parametrize(("spec", "node"), SUSPENDED)
def test_status_says_that_a_workflow_is_suspended_and_how_it_goes_on(
    folder: RunFolder, add: Add, capsys: pytest.CaptureFixture[str], spec: dict[str, Any], node: dict[str, Any]
) -> None:
    add("first-1", "Running", node, **spec)
    assert run(["status", "--run", "first", "--store", folder.objects.url, "--namespace", NAMESPACE]) == 0
    assert f"suspended: argo resume first-1 -n {NAMESPACE}" in capsys.readouterr().err


def test_following_says_it_once_and_when_the_workflow_goes_on(
    backend: ArgoBackend, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = add("first-1", "Running", suspend=True)
    Timer(0.5, workflow["spec"].pop, args=("suspend",)).start()
    Timer(1.0, workflow["status"].update, kwargs={"phase": "Succeeded"}).start()
    backend.follow()
    said = capsys.readouterr().err
    assert said.count("argo resume first-1") == 1
    assert said.index("argo resume") < said.index("goes on")


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [("1", WorkerError), ("139", WorkerError), ("2", UsageError), ("75", TransientError), ("129", TransientError),
     ("255", TransientError), ("", TransientError)],
)  # fmt: skip
def test_a_pods_exit_code_means_what_it_means_everywhere(
    backend: ArgoBackend, add: Add, exit_code: str, kind: type[SemoeError]
) -> None:
    add("first-1", "Failed", pod(exit_code))
    with pytest.raises(kind, match="first-1") as caught:
        backend.follow()
    assert type(caught.value) is kind


def test_a_pod_that_ran_out_of_memory_is_not_worth_another_attempt(backend: ArgoBackend, add: Add) -> None:
    """As the pods' own retries have it: it would run out again."""
    add("first-1", "Failed", pod("137", "main: OOMKilled (exit code 137)"))
    with pytest.raises(WorkerError, match="needs more memory"):
        backend.follow()


def test_a_workers_own_words_go_before_the_pods_and_a_wrong_setting_before_a_bug(
    backend: ArgoBackend, add: Add
) -> None:
    add("first-1", "Failed", pod("139"))

    def fail(shard: int, code: int, message: str) -> None:
        failure = Failure(
            stage="retrieve", shard=shard, worker="w", kind="k", message=message, exit_code=code, time=time.time()
        )
        backend.folder.write_failure(failure)

    fail(0, 75, "asked to stop")
    fail(1, 1, "a bug")
    with pytest.raises(WorkerError, match=r"retrieve shard 1: a bug.*logs"):
        backend.follow()
    fail(0, 2, "no such model")
    with pytest.raises(UsageError, match="retrieve shard 0: no such model"):
        backend.follow()


def test_a_cancelled_workflow_says_so_and_how_to_go_on(backend: ArgoBackend, add: Add) -> None:
    add("first-1", "Failed", pod("75", "Asked to stop"))["status"]["message"] = "Stopped with strategy 'Stop'"
    with pytest.raises(TransientError, match=r"Stopped with strategy.*resume"):
        backend.follow()


def test_whoever_follows_may_end_it(backend: ArgoBackend, cluster_api: ApiServer, add: Add) -> None:
    add("first-1", "Running")

    def too_dear() -> None:
        raise UsageError("It has cost 7.00.", kind="max-cost")

    with pytest.raises(UsageError, match=r"7\.00"):
        backend.follow(too_dear)
    assert cluster_api.workflows["first-1"]["spec"]["shutdown"] == "Stop"


def pending(message: str) -> dict[str, Any]:
    pod = {"id": "p", "type": "Pod", "templateName": "doctor", "phase": "Pending", "message": message}
    return {"phase": "Running", "nodes": {"p": pod}}


def test_a_check_whose_pod_cannot_start_says_so_and_is_stopped(
    cluster_api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(argo, "STUCK_SECONDS", 0.0)
    monkeypatch.setattr(argo.time, "sleep", lambda seconds: None)
    own = Cluster.create_workflow

    def created(cluster: Cluster, body: Any) -> str:
        name = own(cluster, body)
        cluster_api.workflows[name]["status"] = pending("ErrImagePull: no such image")
        return name

    monkeypatch.setattr(Cluster, "create_workflow", created)
    state = argo.run_once(Cluster(""), "doctor", {})
    assert [one.message for one in state.stuck] == ["ErrImagePull: no such image"]
    assert "cannot start: doctor: Pending: ErrImagePull" in capsys.readouterr().err
    assert cluster_api.workflows[state.name]["spec"]["shutdown"] == "Stop"


def test_a_check_that_nobody_waits_for_any_more_is_stopped(
    cluster_api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(argo.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        argo.run_once(Cluster(""), "doctor", {})
    (only,) = cluster_api.workflows.values()
    assert only["spec"]["shutdown"] == "Stop"


def test_following_names_the_pods_at_work_before_a_stage_says_how_much_there_is(
    backend: ArgoBackend, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    at_work = {"id": "1", "type": "Pod", "templateName": "load-corpus", "phase": "Running"}
    workflow = add("first-1", "Running", at_work)
    Timer(0.5, workflow["status"].update, kwargs={"phase": "Succeeded"}).start()
    backend.follow()
    assert "at work: load-corpus" in capsys.readouterr().err
