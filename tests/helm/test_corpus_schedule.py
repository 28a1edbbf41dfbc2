"""What the workers' chart makes of `corpusSchedule`: a CronWorkflow that the pods' own `semoe plan` understands."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.corpus import SETTINGS_DIR
from semoe.cli.app import run as semoe
from semoe.cli.cluster.argo import LABEL, template_name
from semoe.cli.settings_file import read_settings
from tests.helm.charts import Document, needs_helm, only, refusal, render, run
from tests.helm.workers import CHART, LEAST, defaults

NAME = "a" * 39
"""As long as one may be."""
SETTINGS = """[trained]
corpus = "s3://bucket/wiki"

[recipe]
model_name = "smollm2"   # “quoted”

[cutting]
shards = 64
"""
OWN_PRESET = f'preset = "{SETTINGS_DIR}/preset.toml"\n'
PRESET = "[lora]\nrank = 4\n"
pytestmark = needs_helm


def with_schedule(**values: Any) -> Document:
    return LEAST | {"corpusSchedule": {"enabled": True, "schedule": "0 3 * * 1-5", "settings": SETTINGS} | values}


def settings(**tables: str) -> str:
    """The settings with more lines in their tables."""
    text = SETTINGS
    for table, lines in tables.items():
        text = text if f"[{table}]" in text else f"{text}\n[{table}]\n"
        text = text.replace(f"[{table}]\n", f"[{table}]\n{lines}\n")
    return text


def test_there_is_none_unless_it_is_asked_for() -> None:
    documents = render(CHART, LEAST)
    assert not [one for one in documents if one["kind"] == "CronWorkflow"]
    assert not [one for one in documents if one["metadata"]["name"] == "test-plan"]


def test_it_begins_one_workflow_of_the_corpus_at_a_time() -> None:
    values = with_schedule(run="wiki", timezone="Europe/Berlin", keepSucceeded=7, keepFailed=0)
    cron = only(render(CHART, values), "CronWorkflow", "wiki")
    assert cron["spec"] == {
        "schedules": ["0 3 * * 1-5"],
        "timezone": "Europe/Berlin",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 7,
        "failedJobsHistoryLimit": 0,
        "workflowSpec": {"workflowTemplateRef": {"name": template_name("corpus")}},
    }


def test_its_settings_reach_the_pod_as_they_were_written(tmp_path: Path) -> None:
    own = settings(recipe=OWN_PRESET)
    documents = render(CHART, with_schedule(settings=own, preset=PRESET))
    config = only(documents, "ConfigMap", defaults(documents, "corpus")["plan_config_map"])
    assert config["data"] == {"settings.toml": own, "preset.toml": PRESET}
    path = tmp_path / "settings.toml"
    path.write_text(config["data"]["settings.toml"], encoding="utf-8")
    assert read_settings(path)["trained"] == {"corpus": "s3://bucket/wiki"}


def test_what_plan_prints_as_its_settings_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert semoe(["plan", "--print_settings", "--corpus", "s3://bucket/wiki", "--model_name", "smollm2"]) == 0
    printed = capsys.readouterr().out
    data = only(render(CHART, with_schedule(settings=printed)), "ConfigMap", "test-plan")["data"]
    assert tomllib.loads(data["settings.toml"]) == tomllib.loads(printed)


def test_the_longest_name_leaves_room_for_what_argo_puts_behind_it() -> None:
    cron = only(render(CHART, with_schedule(run=NAME)), "CronWorkflow")
    assert LABEL.fullmatch(f"{cron['metadata']['name']}-1764497761")


def test_who_submits_may_look_at_it_and_suspend_it() -> None:
    (rule,) = [
        r for r in only(render(CHART, LEAST), "Role", "semoe-submitter")["rules"] if "cronworkflows" in r["resources"]
    ]
    assert rule == {
        "apiGroups": ["argoproj.io"],
        "resources": ["cronworkflows"],
        "verbs": ["get", "list", "watch", "patch"],
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"schedule": ""}, "give corpusSchedule.schedule"),
        ({"schedule": "0 3 * *"}, "/corpusSchedule/schedule"),
        ({"schedule": "at night"}, "/corpusSchedule/schedule"),
        ({"schedule": "0 3 * * MOO"}, "/corpusSchedule/schedule"),
        ({"schedule": "MON 3 * * 1"}, "/corpusSchedule/schedule"),
        ({"run": f"a{NAME}"}, "/corpusSchedule/run"),
        ({"run": "Wiki_1"}, "/corpusSchedule/run"),
        ({"run": ""}, "/corpusSchedule/run"),
        ({"keepFailed": -1}, "/corpusSchedule/keepFailed"),
        ({"shards": 3}, "shards"),
        ({"settings": ""}, 'give corpus = "s3://bucket/name"'),
        ({"settings": "corpus: s3://bucket/wiki"}, "corpusSchedule.settings is no TOML"),
        ({"settings": 'corpus = "s3://bucket/wiki"'}, "corpusSchedule.settings: corpus stands in no table"),
        ({"settings": SETTINGS.replace("s3://bucket", "/data")}, 'corpus is "/data/wiki", and pods read a bucket'),
        ({"settings": SETTINGS.replace("model_name", "preset")}, "names no model: give [recipe] model_name"),
        ({"settings": settings(plan='run = "wiki"')}, "leave out [plan] run: each workflow names its own"),
        ({"settings": settings(plan='dataset = ["popqa"]')}, "leave out [plan] dataset: a run over a corpus"),
        ({"settings": settings(place='store = "s3://bucket/x"')}, "leave out [place] store: it is store.url"),
        ({"settings": settings(estimate="probe = true")}, "leave out [estimate] probe: the pod that plans"),
        ({"settings": settings(recipe='preset = "own.toml"')}, 'preset is "own.toml", a file that pods have not'),
        ({"settings": settings(recipe=OWN_PRESET)}, "give its text as corpusSchedule.preset"),
        ({"preset": PRESET}, "corpusSchedule.preset is given and not named"),
        ({"settings": settings(recipe=OWN_PRESET), "preset": "rank: 4"}, "corpusSchedule.preset is no TOML"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_cure(values: Document, words: str) -> None:
    assert words in refusal(CHART, with_schedule(**values)).replace('\\"', '"')


def test_nobody_is_refused_for_a_schedule_that_is_off() -> None:
    render(CHART, with_schedule(enabled=False, settings="no TOML", schedule=""))


@pytest.mark.skipif(shutil.which("argo") is None, reason="needs the command argo (its release page has it)")
@pytest.mark.parametrize(
    "schedule", ["0 3 * * *", "*/5 0-6 1,15 * 1-5", "0 3 * JAN,jul MON-fri", "@daily", "@every 12h"]
)
def test_argo_takes_it_with_its_template(tmp_path: Path, schedule: str) -> None:
    documents = render(CHART, with_schedule(schedule=schedule, timezone="Europe/Berlin"))
    argos = [one for one in documents if one["apiVersion"].startswith("argoproj.io")]
    (tmp_path / "argo.yaml").write_text(yaml.safe_dump_all(argos))
    run("argo", "lint", "--offline", tmp_path / "argo.yaml")
