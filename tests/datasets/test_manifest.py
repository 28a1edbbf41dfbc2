"""Whether the benchmarks' files are here and whole, and small ones cut out of them by a stated rule."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.options import DATASETS
from semoe.datasets.loading import load_dataset
from semoe.datasets.manifest import FILES, data_state, find_data, manifest
from semoe.datasets.sampling import RULE, sample_dataset
from semoe.errors import UsageError

DATA = Path(__file__).parents[1] / "data"


def test_the_manifest_has_each_dataset_under_a_name_that_its_loader_reads() -> None:
    assert set(manifest()) == set(DATASETS) == set(FILES)
    assert all(source.file in FILES[name] for name, source in manifest().items())
    assert [manifest()[name].num_questions for name in DATASETS] == [12576, 7405, 14267, 3519, 2290, 0]


def test_a_missing_file_is_told_with_where_to_get_it(tmp_path: Path) -> None:
    found = data_state(tmp_path, "hotpotqa")
    assert (found.state, found.num_questions, found.expected) == ("missing", 0, 7405)
    assert "hotpot_dev_distractor_v1.json" in found.advice
    assert str(tmp_path / "hotpotqa") in found.advice


def test_a_part_is_counted_and_a_broken_file_named(tmp_path: Path) -> None:
    whole = DATA / "popqa"
    found = data_state(DATA, "popqa")
    assert found.state == "part"
    assert found.num_questions == len(load_dataset("popqa", whole))
    assert "14,267 questions" in found.advice
    (tmp_path / "cwq").mkdir()
    (tmp_path / "cwq" / "cwq_dev.json").write_text("[")
    assert data_state(tmp_path, "cwq").state == "broken"


def test_a_whole_file_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(manifest()["popqa"], num_questions=len(load_dataset("popqa", DATA / "popqa")))
    monkeypatch.setitem(manifest(), "popqa", own)
    found = data_state(DATA, "popqa")
    assert (found.state, found.advice) == ("whole", "")


def test_a_file_whose_number_of_questions_nobody_knows_is_whole_if_it_has_some(tmp_path: Path) -> None:
    asked = {"qid": "q", "question": "Who?", "answer": {"type": "span", "answer_spans": [{"text": "Ada"}]}}
    (tmp_path / "iirc").mkdir()
    (tmp_path / "iirc" / "dev.json").write_text(json.dumps([{"questions": [asked]}]))
    found = data_state(tmp_path, "iirc")
    assert (found.state, found.num_questions, found.expected) == ("whole", 1, 0)
    with pytest.raises(UsageError, match="several questions with each passage"):
        sample_dataset(tmp_path, "iirc", tmp_path / "small", 1)


@pytest.mark.parametrize("dataset", ["2wikimultihopqa", "hotpotqa", "popqa", "cwq"])
@pytest.mark.parametrize("spread", [False, True])
def test_a_sample_has_the_questions_that_its_rule_says(dataset: str, spread: bool, tmp_path: Path) -> None:
    every = load_dataset(dataset, DATA / dataset)
    count = len(every) // 2
    made = sample_dataset(DATA, dataset, tmp_path, count, spread=spread)
    step = len(every) // count if spread else 1
    wanted = [every[number * step] for number in range(count)]
    found = load_dataset(dataset, tmp_path / dataset)
    assert [(one.question, one.answers) for one in found] == [(one.question, one.answers) for one in wanted]
    assert json.loads((tmp_path / dataset / RULE).read_text())["rule"] == made.rule
    assert made.of == len(every)


def test_a_sample_larger_than_its_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Ask for fewer"):
        sample_dataset(DATA, "popqa", tmp_path, 10_000)
    with pytest.raises(UsageError, match="is the data itself"):
        sample_dataset(DATA, "popqa", DATA, 1)


def test_the_verbs_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = str(tmp_path / "small")
    source = find_data(DATA, "popqa")
    assert source is not None
    assert run(["data", "sample", "--data_dir", str(DATA), "--to", small, "--sample", "2", "--dataset", "popqa"]) == 0
    assert "the first 2 questions" in capsys.readouterr().out
    assert run(["data", "check", "--data_dir", small, "--json"]) == 1
    states = {one["dataset"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert states == {name: "part" if name == "popqa" else "missing" for name in DATASETS}
    assert run(["data", "check", "--dataset", "pop"]) == 2
    assert "Did you mean 'popqa'?" in capsys.readouterr().err
