import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, QAPair
from semoe.datasets.augmented_file import from_record, read_augmented, to_record, write_augmented
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "data_aug"
PAIR = QAPair(question="Who?", answer="Ann", full_answer="It was Ann.", wordings=("Which person?",))
PASSAGE = AugmentedPassage(pid=0, passage="Text.", title="T", id="7", rewrite="Said anew.", qa=(PAIR,), score=1.5)
QUESTION = AugmentedQuestion(
    qid="q1",
    test_id=4,
    question="Who?",
    answers=("Ann", "A."),
    type="bridge",
    golden_passages=("G",),
    passages=(PASSAGE,),
)
RECORD: dict[str, Any] = {"question": "q?", "answer": "x", "augment": [{"passage": "p"}]}


@pytest.mark.parametrize("name", ["2wikimultihopqa_comparison", "cwq_total"])
def test_published_files_load_and_survive_a_round_trip(tmp_path: Path, name: str) -> None:
    questions = read_augmented(DATA / f"{name}.json")
    passage = questions[0].passages[0]
    assert passage.rewrite
    assert len(passage.qa) == 3
    assert all(pair.question and pair.answer and pair.full_answer for pair in passage.qa)
    write_augmented(tmp_path / "again.json", questions, "someone")
    assert read_augmented(tmp_path / "again.json") == questions


def test_published_files_without_qid_take_the_position_among_all() -> None:
    (first,) = read_augmented(DATA / "cwq_total.json")
    assert (first.qid, first.test_id, first.type, first.golden_passages) == ("0", 0, None, ())
    (second,) = read_augmented(DATA / "2wikimultihopqa_comparison.json")
    assert (second.qid, second.test_id, second.type) == ("61a46987092f11ebbdaeac1f6bf848b6", 1, "comparison")


def test_the_shape_is_the_published_one_plus_our_fields() -> None:
    record = to_record(QUESTION, "me")
    assert list(record) == ["qid", "test_id", "question", "answer", "type", "golden_passages", "passages", "augment"]
    assert record["passages"] == ["Text."]
    assert record["augment"] == [
        {
            "pid": 0,
            "id": "7",
            "title": "T",
            "score": 1.5,
            "passage": "Text.",
            "me_rewrite": "Said anew.",
            "me_qa": [
                {"question": "Who?", "answer": "Ann", "full_answer": "It was Ann.", "wordings": ["Which person?"]}
            ],
        }
    ]


def test_everything_of_ours_survives_a_round_trip(tmp_path: Path) -> None:
    write_augmented(tmp_path / "deep" / "total.json", [QUESTION], "me")
    assert read_augmented(tmp_path / "deep" / "total.json") == [QUESTION]
    assert from_record(to_record(QUESTION, "me"), "here") == QUESTION


def test_null_fields_and_an_absent_id_are_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    augment = {"passage": "p", "m_rewrite": None, "m_translate": None, "m_qa": None, "title": None, "score": None}
    path.write_text(json.dumps([RECORD, RECORD | {"qid": None, "golden_passages": None, "augment": [augment]}]))
    first, second = read_augmented(path)
    assert [first.qid, second.qid] == ["0", "1"]
    assert [first.test_id, second.test_id] == [0, 1]
    assert second.passages == (AugmentedPassage(pid=0, passage="p"),)


def test_a_list_as_a_pairs_answer_is_joined() -> None:
    pairs = [{"question": "q", "answer": ["a", "b"], "full_answer": "f"}, {"question": "q", "answer": 3}]
    record = RECORD | {"augment": [{"passage": "p", "m_qa": pairs}]}
    assert [pair.answer for pair in from_record(record, "here").passages[0].qa] == ["a, b", "3"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": None}, "question is not a string"),
        ({"answer": None}, "answer is not a string"),
        ({"test_id": "x"}, "invalid literal"),
        ({"augment": None}, "not iterable"),
        ({"augment": ["p"]}, "an object with passage was expected"),
        ({"augment": [{}]}, "no passage"),
        ({"augment": [{"passage": "p", "m_qa": ["q"]}]}, "an object with question was expected"),
        ({"augment": [{"passage": "p", "m_qa": [{"question": "q"}]}]}, "no answer"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "total.json"
    path.write_text(json.dumps([RECORD, RECORD | change]))
    with pytest.raises(UsageError, match=rf"total\.json, record 2: not an augmented .*{words}.*semoe augment"):
        read_augmented(path)


def test_a_missing_and_an_unlike_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File not found"):
        read_augmented(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UsageError, match=r"array of objects, .*found one object"):
        read_augmented(tmp_path / "a.json")
