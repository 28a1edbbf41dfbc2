import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "hotpotqa"
RECORD: dict[str, Any] = {"_id": "a", "question": "q?", "answer": "x", "type": "bridge"}


def test_fields_of_the_original_file() -> None:
    first = load_dataset("hotpotqa", DATA)[0]
    assert (first.qid, first.answers, first.type) == ("5ae005b555429942ec259bec", ("1866",), "bridge")


def test_dragins_name_of_the_file_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "hotpotqa-dev.json").write_text(json.dumps([RECORD]))
    assert [question.qid for question in load_dataset("hotpotqa", tmp_path)] == ["a"]


def test_golden_passages_follow_the_supporting_facts_joined_by_nothing() -> None:
    first = load_dataset("hotpotqa", DATA)[0]
    mutarelli, crime = first.golden_passages
    assert mutarelli.startswith("In addition to comic books, Mutarelli")
    assert "Fyodor Dostoyevsky. It was first published" in crime


def test_repeated_titles_count_once_and_absent_ones_not(tmp_path: Path) -> None:
    facts = {"context": [["T", ["One.", " Two."]]], "supporting_facts": [["T", 0], ["T", 1], ["U", 0]]}
    (tmp_path / "sample300.json").write_text(json.dumps([RECORD | facts]))
    assert load_dataset("hotpotqa", tmp_path)[0].golden_passages == ("One. Two.",)


FACTS = {"title": ["T", "T", "U"], "sent_id": [0, 1, 0]}
CONTEXT = {"title": ["S", "T"], "sentences": [["No."], ["One.", " Two."]]}


@pytest.mark.parametrize(
    "layout",
    [
        {"_id": "a", "supporting_facts": [["T", 0], ["U", 0]], "context": [["S", ["No."]], ["T", ["One.", " Two."]]]},
        {"id": "a", "supporting_facts": FACTS, "context": CONTEXT},
        {"id": "a", "supporting_facts": json.dumps([["T", 0], ["U", 0]]), "context": json.dumps(CONTEXT)},
        {"id": "a", "supporting_facts": [{"title": "T", "sent_id": 0}, {"title": "U", "sent_id": 1}],
         "context": [{"title": "T", "sentences": ["One.", " Two."]}]},
        {"id": "a", "answer": None, "golden_answers": ["x"], "type": None,
         "metadata": {"supporting_facts": FACTS, "context": {"title": ["T"], "content": [["One.", " Two."]]}}},
    ],
    ids=["original", "hub", "json in texts", "objects", "flashrag"],
)  # fmt: skip
@pytest.mark.parametrize("dataset", ["hotpotqa", "2wikimultihopqa"])
def test_a_question_is_the_same_in_each_layout(tmp_path: Path, dataset: str, layout: dict[str, Any]) -> None:
    (tmp_path / "d.json").write_text(json.dumps([{"question": "q?", "answer": "x"} | layout]))
    (found,) = load_dataset(dataset, tmp_path / "d.json")
    assert (found.qid, found.answers, found.golden_titles) == ("a", ("x",), ("T", "U"))
    assert found.golden_passages == ("One. Two." if dataset == "hotpotqa" else "One.  Two.",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"_id": None}, "record 2: _id is missing or empty"),
        ({"question": " "}, "record 2: question is missing or empty"),
        ({"answer": ""}, "record 2: the question has no answer"),
        ({"context": {"title": ["T", "U"], "sentences": [["One."]]}}, "record 2: context is not"),
        ({"context": {"title": ["T"]}}, "record 2: context is not"),
        ({"context": "T"}, "record 2: context is not"),
        ({"supporting_facts": [1]}, "record 2: supporting_facts is not"),
        ({"supporting_facts": ["ab"]}, "record 2: supporting_facts is not"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "hotpot_dev_distractor_v1.json"
    path.write_text(json.dumps([RECORD, RECORD | change]))
    with pytest.raises(UsageError, match=rf"hotpot_dev_distractor_v1\.json, {words}"):
        load_dataset("hotpotqa", tmp_path)


@pytest.mark.parametrize("sentences", [None, 5, [["a"], None]], ids=["null", "number", "null for one"])
def test_a_context_without_sentences_is_named_with_its_record(tmp_path: Path, sentences: Any) -> None:
    context = {"title": ["T", "U"], "sentences": sentences} if isinstance(sentences, list) else [["T", sentences]]
    record = {"_id": "1", "question": "q?", "answer": "a", "supporting_facts": [["T", 0]], "context": context}
    path = tmp_path / "hotpot_dev_distractor_v1.json"
    path.write_text(json.dumps([record]))
    with pytest.raises(UsageError, match="record 1: context"):
        load_dataset("hotpotqa", path)
