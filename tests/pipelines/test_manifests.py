"""What `pipelines/` renders: the goldens in `manifests/`, that nothing in them is misspelt or dangling."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.parameters import RUN_NAME, workflow_parameter
from pipelines.render import CONCEPTS, FOLDER, main, rendered
from pipelines.retries import EXPRESSION
from semoe.cli.app import app
from semoe.cli.cluster import checks
from semoe.cli.cluster.argo import template_name
from semoe.errors import TransientError, meaning_of

REFERENCE = re.compile(r"\{\{(.*?)\}\}")
PARAMETER = re.compile(r"workflow\.parameters\.\w+")
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=CONCEPTS)
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    return yaml.safe_load((ROOT / FOLDER / f"{request.param}.yaml").read_text())


def pods(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (one for one in template["spec"]["templates"] if "container" in one)


def test_goldens_are_what_the_code_renders_and_a_difference_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert main(["--check"]) == 0
    stale = tmp_path / FOLDER / "encode.yaml"
    stale.write_text(stale.read_text().replace("OnPodSuccess", "OnPodCompletion"))
    (tmp_path / FOLDER / "forgotten.yaml").write_text("")
    assert main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "encode.yaml" in said
    assert "forgotten.yaml" in said


def test_a_pod_computes_with_as_many_threads_as_it_asks_cpus_for(template: dict[str, Any]) -> None:
    for pod in pods(template):
        found = {one["name"]: one.get("valueFrom") for one in pod["container"]["env"]}
        assert found["OMP_NUM_THREADS"] == {"resourceFieldRef": {"resource": "requests.cpu", "divisor": "1"}}


def test_only_pods_that_serve_metrics_have_a_port_for_them(template: dict[str, Any]) -> None:
    for pod in pods(template):
        assert ("ports" in pod["container"]) is (pod["container"]["args"][0] in ("worker", "index"))


def test_conditions_read_parameters_as_values_and_paste_none_in(template: dict[str, Any]) -> None:
    """The key `it's.tsv` would end a text between apostrophes."""
    for one in template["spec"]["templates"]:
        for step in (step for group in one.get("steps", ()) for step in group if "when" in step):
            assert re.fullmatch(r"\{\{=[^{}]*\}\}", step["when"])


def test_counts_say_of_which_namespace_they_are(template: dict[str, Any]) -> None:
    counts = [one for pod in pods(template) for one in pod.get("metrics", {}).get("prometheus", ())]
    assert all(one["labels"] == [{"key": "namespace", "value": "{{workflow.namespace}}"}] for one in counts)


def test_a_misspelt_field_fails() -> None:
    from hera.workflows.models import PodGC

    with pytest.raises(ValueError, match="Extra inputs"):
        PodGC(strategie="OnPodSuccess")
    with pytest.raises(KeyError):
        workflow_parameter("pasrt")


def test_every_reference_resolves(template: dict[str, Any]) -> None:
    parameters = {one["name"] for one in template["spec"]["arguments"]["parameters"]}
    names = {one["name"] for one in template["spec"]["templates"]}
    assert template["spec"]["entrypoint"] in names
    assert template["spec"].get("onExit") in {None, *names}
    for one in template["spec"]["templates"]:
        inputs = {given["name"] for given in one.get("inputs", {}).get("parameters", ())}
        outputs = {made["name"] for made in one.get("outputs", {}).get("parameters", ())}
        steps = [step for group in one.get("steps", ()) for step in group]
        known = (
            {f"workflow.parameters.{name}" for name in parameters}
            | {f"inputs.parameters.{name}" for name in inputs}
            | {f"outputs.parameters.{name}" for name in outputs}
            | {f"steps.{step['name']}.outputs.result" for step in steps}
            | {"item", "workflow.status", "workflow.namespace", "status", *REFERENCE.findall(RUN_NAME)}
        )
        found = set(REFERENCE.findall(json.dumps(one)))
        conditions = {each for step in steps for each in REFERENCE.findall(step.get("when", ""))}
        assert found - conditions <= known
        assert {name for each in conditions for name in PARAMETER.findall(each)} <= known
        assert {step["template"] for step in steps if "template" in step} <= names


def test_the_command_line_names_the_templates_as_they_are_rendered() -> None:
    """It cannot import them: the package knows nothing of Hera."""
    rendered_names = [yaml.safe_load(rendered(concept))["metadata"]["name"] for concept in CONCEPTS]
    assert [template_name(concept) for concept in checks.CONCEPTS] == rendered_names


def test_templates_of_other_templates_exist() -> None:
    known = {
        (found["metadata"]["name"], one["name"])
        for found in (yaml.safe_load(rendered(concept)) for concept in CONCEPTS)
        for one in found["spec"]["templates"]
    }
    for concept, count in (("reproduce", 6), ("corpus", 1)):
        steps = yaml.safe_load(rendered(concept))["spec"]["templates"][0]["steps"]
        refs = [step["templateRef"] for group in steps for step in group if "templateRef" in step]
        assert len(refs) == count
        assert {(ref["name"], ref["template"]) for ref in refs} <= known


def test_a_pod_runs_a_public_command_whose_options_exist(template: dict[str, Any]) -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for pod in pods(template):
        assert pod["container"]["command"] == ["semoe"]
        verb, *options = pod["container"]["args"]
        known = {name for parameter in verbs[verb].params for name in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= known


@pytest.mark.parametrize("stage", ["retrieve", "augment", "encode", "inference"])
def test_a_pod_with_several_gpus_takes_as_many_shards_and_is_found_by_its_inputs(stage: str) -> None:
    """Whoever counts the pods is told as much as the pods themselves; a stage without GPUs has a pod for each shard."""
    by_name = {one["name"]: one for one in yaml.safe_load(rendered(stage))["spec"]["templates"]}
    gpus = {} if stage == "retrieve" else {"gpus": "{{workflow.parameters.gpus}}"}
    for name in (f"{stage}-shards", f"{stage}-shard"):
        words = by_name[name]["container"]["args"]
        assert [words[at + 1] for at, word in enumerate(words) if word == "--gpus_per_pod"] == [*gpus.values()]
    (((step,)),) = by_name[stage]["steps"][1:]
    given = {one["name"]: one["value"] for one in step["arguments"]["parameters"]}
    assert given == {"shard": "{{item}}"} | gpus
    assert [one["name"] for one in by_name[f"{stage}-shard"]["inputs"]["parameters"]] == [*given]


def test_the_report_waits_for_workers_as_long_as_they_have_to_end(template: dict[str, Any]) -> None:
    """At the workflow's deadline Argo runs the exit handler and ends the workers at the same time."""
    if "onExit" not in template["spec"]:
        return
    (handler,) = [one for one in pods(template) if one["name"] == template["spec"]["onExit"]]
    words = handler["container"]["args"]
    assert words[words.index("--wait_seconds") + 1] == "{{workflow.parameters.grace_seconds}}"


def test_pods_fit_a_restricted_namespace(template: dict[str, Any]) -> None:
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    patch = json.loads(filled(spec["podSpecPatch"], template))
    own = [one for one in (*patch["initContainers"], *patch["containers"]) if one["name"] != "main"]
    assert [one["name"] for one in own] == ["init", "wait"]
    for container in (*own, *(pod["container"] for pod in pods(template))):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert all({"cpu", "memory"} <= one["resources"][kind].keys() for one in own for kind in ("requests", "limits"))


def filled(patch: str, template: dict[str, Any]) -> str:
    """A patch with the defaults of the workflow's parameters, as Argo puts them in."""
    defaults = {one["name"]: one.get("value", "") for one in template["spec"]["arguments"]["parameters"]}
    return REFERENCE.sub(lambda m: defaults[m[1].removeprefix("workflow.parameters.")], patch)


def test_the_patch_of_each_pod_is_json_once_its_parameters_are_in(template: dict[str, Any]) -> None:
    for pod in pods(template):
        patch = json.loads(filled(pod["podSpecPatch"], template))
        assert patch["terminationGracePeriodSeconds"] == 120
        assert patch["volumes"] == [{"name": "cache", "emptyDir": {}}]


def test_a_fan_out_is_a_count_whatever_the_number_of_passages(template: dict[str, Any]) -> None:
    """So a run of a million passages is submitted by the same few kilobytes."""
    assert len(json.dumps(template)) < 64 << 10
    loops = [step for one in template["spec"]["templates"] for group in one.get("steps", ()) for step in group]
    assert not any("withItems" in step or "withParam" in step for step in loops)
    for step in loops:
        if "withSequence" in step:
            counts = ("{{steps.shards.outputs.result}}", "{{workflow.parameters.shares}}")
            assert step["withSequence"]["count"] in counts


@pytest.mark.skipif(shutil.which("argo") is None, reason="needs the command argo (its release page has it)")
def test_argo_finds_nothing_to_complain_of() -> None:
    found = subprocess.run(
        ["argo", "lint", "--offline", str(ROOT / FOLDER)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def tried_again(message: str, code: int) -> bool:
    """The expression, read as Argo's library does: `matches` searches, the rest is as in Python."""
    text = EXPRESSION.replace("lastRetry.message", "message").replace("||", " or ").replace("&&", " and ")
    text = re.sub(r"message matches ([\"'].*?[\"'])", r"bool(re.search(\1, message))", text)
    text = text.replace("asInt(lastRetry.exitCode)", "code")
    found: bool = eval(text, {"re": re, "message": message, "code": code, "bool": bool})
    return found


@pytest.mark.parametrize(
    ("message", "code", "again"),
    [
        ("main: Error (exit code 75): semoe: Asked to stop.", 75, True),
        ("pod deleted", -1, True),
        ("pod deleted", 0, True),
        ("Pod was terminated in response to imminent node shutdown.", -1, True),
        ("The node was low on resource: memory.", -1, True),
        ("Pod was rejected: Allocate failed due to no healthy devices present", -1, True),
        ("main: Unknown (exit code 255)", 255, True),
        ("main: Error (exit code 143)", 143, True),
        ("main: Error (exit code 137)", 137, True),
        ("main: OOMKilled (exit code 137)", 137, False),
        ("main: Error (exit code 75): semoe: no run 'OOMKilled' yet", 75, True),
        ("main: Error (exit code 2): semoe: No such model.", 2, False),
        ("main: Error (exit code 2): semoe: No run 'preemption-study' in s3://bucket/semoe.", 2, False),
        ("main: Error (exit code 2): semoe: No bucket Evicted, as in pod deleted.", 2, False),
        ("main: Error (exit code 1): Traceback … Preempted", 1, False),
        ("failed quota: must specify limits.cpu", -1, False),
    ],
)
def test_which_ends_of_a_pod_are_tried_again(message: str, code: int, again: bool) -> None:
    assert tried_again(message, code) is again


@pytest.mark.parametrize("code", range(256))
def test_exit_codes_mean_to_argo_what_they_mean_to_the_package(code: int) -> None:
    assert tried_again(f"main: Error (exit code {code})", code) is (meaning_of(code) is TransientError)
