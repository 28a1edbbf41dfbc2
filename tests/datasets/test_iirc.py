import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

SPAN = {
    "type": "span",
    "answer_spans": [{"text": " Oslo ", "passage": "norway", "start": 0, "end": 4}, {"text": "Bergen"}],
}


def asked(qid: str, answer: Any) -> dict[str, Any]:
    return {"qid": qid, "question": f"What is {qid}?", "context": [], "question_links": [], "answer": answer}


def written(folder: Path, *questions: Any) -> Path:
    record = {"pid": "p", "title": "Norway", "text": "A country.", "links": [], "questions": list(questions)}
    (folder / "dev.json").write_text(json.dumps([record, record | {"questions": [asked("last", SPAN)]}]))
    return folder


def test_spans_are_answers_and_a_value_is_one_without_its_unit(tmp_path: Path) -> None:
    value = {"type": "value", "answer_value": "12", "answer_unit": "years"}
    place = written(tmp_path, asked("a", SPAN), asked("b", value), asked("c", {"type": "binary", "answer_value": "no"}))
    found = load_dataset("iirc", place)
    assert [one.answers for one in found] == [("Oslo", "Bergen"), ("12",), ("no",), ("Oslo", "Bergen")]
    assert [(one.qid, one.test_id) for one in found] == [("a", 0), ("b", 1), ("c", 2), ("last", 3)]


def test_a_question_without_an_answer_is_left_out(tmp_path: Path) -> None:
    found = load_dataset("iirc", written(tmp_path, asked("a", {"type": "none"}), asked("b", SPAN)))
    assert [(one.qid, one.test_id) for one in found] == [("b", 0), ("last", 1)]


@pytest.mark.parametrize(
    "answer", [None, {"type": "guess"}, {"type": "span"}, {"type": "span", "answer_spans": ["Oslo"]}, {"type": "value"}]
)
def test_an_answer_of_another_kind_is_named_with_its_record(tmp_path: Path, answer: Any) -> None:
    with pytest.raises(UsageError, match="record 1"):
        load_dataset("iirc", written(tmp_path, asked("a", answer)))


def test_questions_that_are_no_array_are_named(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text('[{"questions": {}}]')
    with pytest.raises(UsageError, match="questions is not an array"):
        load_dataset("iirc", tmp_path)
