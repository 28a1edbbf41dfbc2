"""`semoe reproduce`: what it lists, what it refuses, and one experiment from its config to its report."""

import json
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.reproduction.config import config_names
from semoe.reproduction.written import read_report
from semoe.runs.folder import RunFolder
from semoe.store.objects import FolderObjects
from tests.demo import DEMO, PASSAGES
from tests.reproduction.experiments import data_folder
from tests.seaweed import client
from tests.small_run import planned

OWN = """
[experiment]
title = "Eight questions"
of = "nobody"
about = "A recipe of two steps."
differs = ["All of it."]

[recipe]
model_name = "smollm2"
preset = "{preset}"

[plan]
dataset = ["popqa"]
sample = 8
inference_method = "none,icl,prag,combine,prag_random,combine_random"
max_new_tokens = 4
"""


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_the_list_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "popqa").mkdir()
    (tmp_path / "popqa" / "popQA.tsv").touch()
    assert run(["reproduce", "--list", "--data_dir", str(tmp_path), "--json"]) == 0
    found = {one["config"]: one for one in json.loads(capsys.readouterr().out)}
    assert set(found) == set(config_names())
    assert found["popqa-smollm2"]["lacks here"] == "nothing"
    assert found["cwq-llama3.2_1b"]["lacks here"] == "weights, questions of cwq"
    assert found["hotpotqa-qwen2.5_1.5b-token"]["answers"] == ["token-icl"]
    assert (found["hotpotqa-llama3_8b-token"]["n"], found["popqa-smollm2"]["n"]) == ("all", 300)


def test_the_list_is_a_table_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "--list", "--config", "popqa-smoll*", "--data_dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "4 ways, 2 controls" in " ".join(said.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "popqa-llama3.2_1c"], "Did you mean 'popqa-llama3.2_1b'?"),
        (["--config", "nothing-*"], "Unknown config 'nothing-*'"),
        ([], "Say which experiment"),
        (["--all", "--config", "popqa-smollm2"], "leave out --config"),
        (["--config", "popqa-*", "--run", "r"], "do not go with several"),
        (["--config", "popqa-smollm2", "--detach"], "--detach is for --backend argo"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", *arguments]) == 2
    assert words in told(capsys)


def test_missing_questions_are_told_with_where_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["reproduce", "--config", "popqa-smollm2", "--root_dir", str(tmp_path), "--data_dir", str(tmp_path)]) == 2
    )
    said = told(capsys)
    assert "AlexTMallen/adaptive-retrieval" in said
    assert str(tmp_path / "popqa") in said


def test_of_many_those_that_lack_something_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = data_folder(tmp_path / "data")
    assert run(["reproduce", "--config", "*-llama2_7b-*", "--root_dir", str(tmp_path), "--data_dir", str(data)]) == 0
    assert told(capsys).count("is left out: this machine lacks weights.") == 24


def test_an_experiment_goes_from_its_config_to_its_report(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "eight.toml"
    config.write_text(OWN.format(preset=small_root / "quick.toml"))
    command = [
        "reproduce", "--config", str(config), "--model_name", str(small_root / "tiny"), "--data_dir", str(DEMO),
        "--index_dir", str(small_root / "index"), "--root_dir", str(tmp_path), "--to", str(tmp_path / "report"),
        "--gpu_price", "2", "--experts_per_second", "10",
    ]  # fmt: skip
    assert run(command) == 0
    assert "Differences" not in capsys.readouterr().out
    found = read_report(tmp_path / "report" / "report.json")
    assert found.changed[0].startswith(f"The model is {small_root / 'tiny'}, not smollm2")
    assert any("8 questions where that has 14,267" in one for one in found.changed)
    assert [one.method for one in found.cells] == ["none", "icl", "prag", "combine", "prag_random", "combine_random"]
    assert all(one.num_questions == 8 for one in found.cells)
    assert len(found.differences) == 4
    assert found.cost.money is not None
    assert found.cost.hours == pytest.approx(sum(found.cost.stage_hours.values()))
    assert found.experts.in_store + found.experts.without_pairs == found.experts.planned
    assert found.made.devices
    assert found.made.num_passages == len(PASSAGES.read_text().splitlines()) - 1
    assert "reproduce --config" in found.made.command
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.index("Not as the config says") < page.index("popqa, total")
    # Who has the store alone reads it there.
    there = tmp_path / "store" / "runs" / "eight-tiny" / "reproduction"
    assert (there / "report.html").read_text() == page
    # The same again has nothing left to do, and writes the same figures.
    assert run([*command, "--json"]) == 0
    (again,) = json.loads(capsys.readouterr().out)
    assert again["run"] == "eight-tiny"
    assert read_report(tmp_path / "report" / "report.json").cells == found.cells


def test_it_plans_alone_where_asked_to_with_questions_in_s3(
    small_root: Path,
    tmp_path: Path,
    s3_endpoint: str,
    bucket: str,
    s3_environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "eight.toml"
    config.write_text(OWN.format(preset=small_root / "quick.toml"))
    command = [
        "reproduce", "--config", str(config), "--model_name", str(small_root / "tiny"), "--data_dir",
        f"s3://{bucket}/some data/", "--retrieve_later", "--root_dir", str(tmp_path), "--run", "x",
    ]  # fmt: skip
    assert run([*command, "--only", "report"]) == 2
    assert "No run 'x'" in told(capsys)
    assert run([*command, "--only", "plan"]) == 2
    assert f"s3://{bucket}/some data/popqa has no questions" in told(capsys)
    client(s3_endpoint).upload_file(str(DEMO / "popqa" / "popQA.tsv"), bucket, "some data/popqa/popQA.tsv")
    assert run([*command, "--only", "plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"config": "eight", "run": "x"}]
    folder = RunFolder(FolderObjects(tmp_path / "store"), "x")
    assert folder.plan().sets[0].num_questions == 8
    assert folder.names("progress/") == []
    assert run([*command, "--only", "report"]) == 2
    assert "retrieve has 0 of 1 shard" in told(capsys)
    assert run(["data", "check", "--data_dir", f"s3://{bucket}/some data"]) == 2
    assert "Copy it" in told(capsys)


def test_a_run_whose_answers_load_no_expert_trains_none(small_root: Path, tmp_path: Path) -> None:
    folder = planned(small_root, tmp_path, "--inference_method", "none,icl")
    manifest = folder.settled_manifest()
    assert (manifest.passage_shards, folder.plan().trains) == ((), False)
    assert manifest.num_passages > 20


def test_a_plan_that_trains_nothing_has_nothing_to_probe(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = planned(small_root, tmp_path, "--inference_method", "icl", "--probe")
    assert "not measured" in " ".join(capsys.readouterr().out.split())
    assert folder.manifest().passage_shards == ()


def test_a_plan_says_how_many_examples_a_prompt_has(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from semoe.prompts.exemplars import load_exemplars
    from semoe.runs.job import Job
    from semoe.runs.shards.inference import _answerer

    folder = planned(small_root, tmp_path, "--inference_method", "icl", "--fewshot", "2", "--max_new_tokens", "3")
    plan = folder.plan()
    assert (plan.fewshot, plan.preset.answering.max_new_tokens) == (2, 3)
    answerer = _answerer(Job(folder=folder, plan=plan, stage="inference", shard=0, stop=lambda: False))
    assert answerer.exemplars == load_exemplars("popqa")[:2]
    arguments = ["plan", "--run", "x", "--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--model_name", "m"]
    assert run([*arguments, "--fewshot", "7"]) == 2
    assert "has 6 worked examples" in told(capsys)
    assert run([*arguments, "--method", "token", "--max_new_tokens", "3"]) == 2
    assert "--generate_max_length" in told(capsys)
