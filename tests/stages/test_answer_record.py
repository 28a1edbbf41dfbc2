"""An answer's record: published names and strings in the file, fields and numbers in the code."""

from dataclasses import replace
from typing import Any

import pytest

from semoe.errors import CorruptError
from semoe.evaluation.overflow import Fit
from semoe.evaluation.scores import Scores
from semoe.stages.answer_record import AnswerRecord

RECORD = AnswerRecord(
    did=3, test_id=7, question="Who?", accepted=("a", "b"), text="It is a.", predicted="a",
    scores=Scores(1.0, 0.5, 0.25, 0.125), num_experts=2,
)  # fmt: skip


def test_the_names_in_the_file_are_the_published_ones() -> None:
    found = RECORD.to_json()
    assert found == {
        "test_id": 7, "question": "Who?", "answer": ["a", "b"], "text": "It is a.", "eval_predict": "a",
        "em": "1.0", "f1": "0.5", "prec": "0.25", "recall": "0.125", "num_experts": 2, "did": 3,
        "dropped_passages": 0, "cut_tokens": 0, "too_long": 0,
    }  # fmt: skip
    assert AnswerRecord.from_json(found) == RECORD


def test_what_did_not_fit_is_kept_and_a_record_of_before_is_read() -> None:
    kept = replace(RECORD, fit=Fit(dropped_passages=2, cut_tokens=5))
    assert AnswerRecord.from_json(kept.to_json()) == kept
    before = {name: value for name, value in RECORD.to_json().items() if name not in Fit._fields}
    assert AnswerRecord.from_json(before) == RECORD


@pytest.mark.parametrize(
    "change", [{"f1": "x"}, {"answer": None}, {"too_long": "many"}, {"switches": [{"position": 1}], "counters": {}}]
)
def test_what_is_no_record_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptError, match="cannot be read"):
        AnswerRecord.from_json(RECORD.to_json() | change)


def test_a_record_without_a_published_field_is_refused() -> None:
    found = RECORD.to_json()
    del found["eval_predict"]
    with pytest.raises(CorruptError, match="eval_predict"):
        AnswerRecord.from_json(found)
