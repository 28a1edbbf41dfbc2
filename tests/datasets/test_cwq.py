import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "cwq"
RECORD: dict[str, Any] = {"ID": "a", "question": "q?", "answers": [{"answer": "x", "aliases": ["y"]}]}


def test_fields_of_the_original_file() -> None:
    first = load_dataset("cwq", DATA)[0]
    assert first.qid == "WebQTrn-538_ec8e1de161a301bf213a1d49ca575dfb"
    assert first.answers == ("People's Republic of China", "China")


def test_prags_name_of_the_dataset_is_one_too() -> None:
    assert load_dataset("complexwebquestions", DATA) == load_dataset("cwq", DATA)


def test_all_answers_and_aliases_in_file_order_without_repeats(tmp_path: Path) -> None:
    answers = [{"answer": "b", "aliases": ["c", "b"]}, {"answer": "a", "aliases": None}, {"answer": "c"}]
    (tmp_path / "ComplexWebQuestions_dev.json").write_text(json.dumps([RECORD | {"answers": answers}]))
    assert load_dataset("cwq", tmp_path)[0].answers == ("b", "c", "a")


def test_the_original_file_wins_over_the_published_sample(tmp_path: Path) -> None:
    (tmp_path / "sample300.json").write_text(json.dumps([RECORD]))
    assert [question.qid for question in load_dataset("cwq", tmp_path)] == ["a"]
    (tmp_path / "cwq_dev.json").write_text(json.dumps([RECORD | {"ID": "b"}]))
    assert [question.qid for question in load_dataset("cwq", tmp_path)] == ["b"]


@pytest.mark.parametrize(
    "layout",
    [
        {"ID": "a", "answers": [{"answer": "x", "aliases": ["y"], "answer_id": "m.1"}, {"answer": "z"}]},
        {"ID": "a", "answers": {"answer": ["x", "z"], "answer_id": ["m.1", "m.2"], "aliases": [["y"], []]}},
        {"ID": "a", "answers": ["x", "y", "z"]},
        {"id": "a", "answer": ["x", "y", "z"], "q_entity": ["w"], "a_entity": ["x"]},
        {"id": "a", "golden_answers": ["x", "y", "z"]},
    ],
    ids=["original", "hub", "texts", "graph", "flashrag"],
)
def test_answers_are_the_same_in_each_layout(tmp_path: Path, layout: dict[str, Any]) -> None:
    (tmp_path / "cwq_dev.json").write_text(json.dumps([layout | {"question": "q?"}]))
    (found,) = load_dataset("cwq", tmp_path)
    assert (found.qid, found.answers) == ("a", ("x", "y", "z"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ID": ""}, "ID is missing or empty"),
        ({"question": None}, "question is missing or empty"),
        ({"answers": None}, "the question has no answer"),
        ({"answers": []}, "the question has no answer"),
        ({"answers": ["x", {"answer": "y"}]}, "answers must be an array of objects, or of strings"),
        ({"answers": {"answer": ["x", "y"], "aliases": [[]]}}, "answers must be lists .* of the same length"),
        ({"answers": {"answer": "x"}}, "answers must be lists .* of the same length"),
        ({"answers": [{"answer": "x", "aliases": "y"}]}, "aliases must be an array of strings"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    (tmp_path / "cwq_dev.json").write_text(json.dumps([RECORD, RECORD | change]))
    with pytest.raises(UsageError, match=rf"cwq_dev\.json, record 2: {words}"):
        load_dataset("cwq", tmp_path)
