from pathlib import Path

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

TWO = '[{"question": "a?", "answer": "b"}, {"qid": "own", "question": "c?", "answer": ["d", "e", "d"]}]'


def test_a_string_or_a_list_an_id_or_the_position(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(TWO)
    questions = load_dataset("anything", path)
    assert [question.answers for question in questions] == [("b",), ("d", "e")]
    assert [question.qid for question in questions] == ["0", "own"]


def test_the_files_name_is_the_type(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(TWO)
    whole = load_dataset("anything", path)
    assert {question.type for question in whole} == {"mine"}
    assert load_dataset("anything", path, data_type="mine") == whole
    assert load_dataset("anything", path, data_type="total") == whole
    with pytest.raises(UsageError, match=r"Unknown data_type of anything 'mines'.*Did you mean 'mine'.*total"):
        load_dataset("anything", path, data_type="mines")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ('[{"question": "a?",\n "answer" "b"}]', "line 2"),
        ('[{"question": "a?", "answer": "b"}, {"question": "c?"}]', "record 2: the question has no answer"),
        ('[{"question": "a?", "answer": []}]', "record 1: the question has no answer"),
        ('[{"question": "a?", "answer": [null]}]', "record 1: answer must be an array of strings"),
        ('[{"question": "a?", "answer": {"b": 1}}]', "record 1: answer must be an array of strings"),
        ('[{"answer": "b"}]', "record 1: question is missing"),
        ("[]", "no records"),
        ('[{"question": "a?", "answer": "b"}, "c"]', "record 2: expected an object"),
        ('{"question": "a?"}', "expected an array"),
    ],
)
def test_a_broken_file_is_named_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"mine\.json.*{words}"):
        load_dataset("mine", path)
