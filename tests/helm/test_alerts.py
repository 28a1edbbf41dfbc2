"""The alert rules: each silent, firing with its whole text, and silent for look-alikes, by promtool."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.telemetry.queries import KNOWN, names_in

ROOT = Path(__file__).parents[2]
RULES, TESTS = ROOT / "helm" / "workers" / "rules" / "alerts.yaml", Path(__file__).with_name("alerts_test.yaml")
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]
PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="no command `promtool` on the PATH")
@pytest.mark.parametrize("what", [("check", "rules", str(RULES)), ("test", "rules", str(TESTS))], ids=("check", "test"))
def test_promtool_agrees(what: tuple[str, ...]) -> None:
    assert PROMTOOL
    said = subprocess.run([PROMTOOL, *what], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_each_alert_says_what_is_wrong_and_leads_to_its_section(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("warning", "critical")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert alert["alert"] in headings
    assert anchor == alert["alert"].lower()
    assert names_in(alert["expr"])
    assert names_in(alert["expr"]) <= KNOWN


@pytest.mark.parametrize("name", [alert["alert"] for alert in ALERTS])
def test_each_alert_is_tested_silent_firing_and_silent_for_a_look_alike(name: str) -> None:
    groups = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    own = [[case for case in group["alert_rule_test"] if case["alertname"] == name] for group in groups]
    kinds = [[bool(case["exp_alerts"]) for case in sorted(cases, key=_minutes)] for cases in own if cases]
    assert any(fires[:2] != [] and not fires[0] and any(fires) for fires in kinds), "silent first, then firing"
    assert any(not any(fires) for fires in kinds), "a look-alike"


def _minutes(case: dict[str, Any]) -> int:
    return int(str(case["eval_time"]).removesuffix("m"))
