"""Records become options, under a panel of their own; every verb offers what all of them should."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from semoe.cli.app import app, run
from semoe.cli.option_groups import groups, own_tables

QUIET: set[str] = set()
"""Verbs that print nothing that a program would read."""


def verbs(command: Any, name: str = "") -> list[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, command)]
    return [found for key, one in inner.items() for found in verbs(one, f"{name} {key}".strip())]


VERBS = verbs(typer.main.get_command(app))


@pytest.mark.parametrize(("name", "command"), VERBS, ids=[name for name, _ in VERBS])
def test_a_verb_prints_json_on_demand_and_reads_a_settings_file(name: str, command: Any) -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--settings", "--print_settings"} <= options
    assert {"--format", "--json"} <= options or name in QUIET


@pytest.mark.parametrize(("name", "command"), VERBS, ids=[name for name, _ in VERBS])
def test_a_verb_says_what_it_does_with_an_example(name: str, command: Any) -> None:
    assert f"Example: semoe {name}" in command.help or name == "resume"
    assert all(parameter.help for parameter in command.params if parameter.name != "help")


@pytest.mark.parametrize(("name", "command"), VERBS, ids=[name for name, _ in VERBS])
def test_an_option_stands_once_in_a_verb(name: str, command: Any) -> None:
    names = [option for parameter in command.params for option in parameter.opts]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("verb", ["plan", "experts import"])
def test_options_that_copies_forgot_are_there(verb: str) -> None:
    options = {option for parameter in dict(VERBS)[verb].params for option in parameter.opts}
    assert "--per_device_train_batch_size" in options


def test_every_group_has_a_panel_and_a_table_of_its_own() -> None:
    tables: dict[str, list[type]] = {}
    for kind, group in groups.items():
        tables.setdefault(group.table, []).append(kind)
    for kinds in tables.values():
        assert all(issubclass(kind, kinds[0]) for kind in kinds), "only a group that adds to another shares its table"
    # The options of `plan` that `reproduce` reads from its configs are a group; its run alone is the verb's own.
    assert set(tables) & set(own_tables) == {"plan"}
    assert not set(own_tables["plan"]) & {one.name for kind in tables["plan"] for one in fields(kind)}


def test_help_shows_the_panels(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inference", "--help"]) == 0
    said = capsys.readouterr().out
    for panel in ("Recipe of the experts", "Questions", "Index", "Elasticsearch", "Where things are", "Output"):
        assert f" {panel} " in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("semoe enc", "encode"),
        ("semoe inference --hallu", "--hallucination_threshold"),
        ("semoe inference --method dr", "dragin"),
        ("semoe encode --preset pub", "published"),
        ("semoe worker --stage aug", "augment"),
    ],
)
def test_a_shell_completes_verbs_options_and_names(words: str, expected: str) -> None:
    asked = {"_SEMOE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [str(Path(sys.executable).parent / "semoe")]
    said = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True).stdout
    assert said.split() == [expected]


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Start here" in capsys.readouterr().out
