"""What trains a corpus by the clock: a plan in a pod, and a run that is called as its workflow unless it is named."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.corpus import SETTINGS_DIR
from pipelines.parameters import EXPERIMENT, RUN_EXPRESSION, RUN_NAME
from pipelines.render import CONCEPTS, rendered
from semoe.cli.app import run

PARAMETER = re.compile(r"{{workflow\.parameters\.(\w+)}}")
OF_A_RUN = [one for one in CONCEPTS if one not in ("vectors", "index", "doctor")]


def spec(concept: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(rendered(concept))["spec"]
    return found


def given(concept: str) -> dict[str, str | None]:
    return {one["name"]: one.get("value") for one in spec(concept)["arguments"]["parameters"]}


@pytest.mark.parametrize("concept", OF_A_RUN)
def test_every_pod_and_the_label_call_the_run_alike(concept: str) -> None:
    words = [one["container"]["args"] for one in spec(concept)["templates"] if "container" in one]
    assert {each[each.index("--run") + 1] for each in words} == {RUN_NAME}
    assert spec(concept)["workflowMetadata"]["labelsFrom"] == {"semoe/run": {"expression": RUN_EXPRESSION}}


def test_only_a_workflow_that_plans_its_run_need_not_name_it() -> None:
    assert [one for one in OF_A_RUN if given(one)["run"] is not None] == ["experiment", "corpus"]
    assert given("corpus")["run"] == ""


def test_it_hands_every_parameter_on_that_reproduce_asks_for() -> None:
    """What a template of another WorkflowTemplate calls a parameter is one of the workflow that refers to it."""
    assert given("corpus").keys() - given("reproduce").keys() == {"plan_config_map"}
    assert given("reproduce").keys() <= given("corpus").keys()
    assert given("corpus") | {"run": None} == given("reproduce") | {"plan_config_map": "semoe-plan"}


def test_an_experiment_plans_and_reports_as_it_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    own = {one.name: one.value for one in EXPERIMENT}
    assert given("experiment") | {"run": None} == given("reproduce") | own
    steps, plan, report, _ = spec("experiment")["templates"]
    assert [step["name"] for group in steps["steps"] for step in group] == ["plan", "reproduce", "report"]
    words, after = plan["container"]["args"], report["container"]["args"]
    assert (words[-2:], after) == (["--only", "plan"], [*words[:-1], "report"])
    # The command line takes every word with its default: what it refuses is the one that has none.
    filled = [PARAMETER.sub(lambda found: given("experiment")[found[1]] or "nothing", word) for word in words]
    assert run(["r" if "{{=" in word else word for word in filled]) == 2
    assert "Unknown config 'nothing'" in " ".join(capsys.readouterr().err.split())


def test_the_plan_reads_its_settings_from_a_config_map_and_writes_as_a_worker() -> None:
    steps, plan, _ = spec("corpus")["templates"]
    assert [step["name"] for group in steps["steps"] for step in group] == ["plan", "reproduce"]
    words = plan["container"]["args"]
    assert words[words.index("--settings") + 1] == f"{SETTINGS_DIR}/settings.toml"
    (folder,) = [one for one in plan["container"]["volumeMounts"] if one["mountPath"] == SETTINGS_DIR]
    (volume,) = [one for one in plan["volumes"] if one["name"] == folder["name"]]
    assert folder["readOnly"]
    assert volume["configMap"] == {"name": "{{workflow.parameters.plan_config_map}}"}
    assert "serviceAccountName" not in plan
    secrets = [one["secretRef"]["name"] for one in plan["container"]["envFrom"] if "secretRef" in one]
    assert secrets == ["{{workflow.parameters.environment_secret}}", "{{workflow.parameters.s3_secret}}"]
    assert "nvidia" not in json.dumps(plan)


@pytest.mark.skipif(shutil.which("argo") is None, reason="needs the command argo (its release page has it)")
@pytest.mark.parametrize(("given_run", "name", "is_number"), [("", "7", True), ("", "a", False), ("7", "a", True)])
def test_argo_reads_the_name_as_we_mean_it(tmp_path: Path, given_run: str, name: str, is_number: bool) -> None:
    """A deadline must be a number once the linter has evaluated it: so it tells which of the two it took."""
    expression = RUN_EXPRESSION.replace("workflow.name", f"'{name}'")
    pod = {"name": "main", "activeDeadlineSeconds": f"{{{{={expression}}}}}", "container": {"image": "i"}}
    arguments = {"parameters": [{"name": "run", "value": given_run}]}
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "w-"},
        "spec": {"entrypoint": "main", "arguments": arguments, "templates": [pod]},
    }  # fmt: skip
    path = tmp_path / "workflow.yaml"
    path.write_text(yaml.safe_dump(workflow))
    found = subprocess.run(["argo", "lint", "--offline", path], capture_output=True, text=True, check=False)
    assert (found.returncode == 0) is is_number, found.stdout
