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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"_id": None}, "record 2: _id is missing or empty"),
        ({"question": " "}, "record 2: question is missing or empty"),
        ({"answer": ""}, "record 2: the question has no answer"),
        ({"context": {"title": ["T"], "sentences": [["One."]]}}, "record 2: context or supporting_facts is not"),
        ({"supporting_facts": [1]}, "record 2: context or supporting_facts is not"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "hotpot_dev_distractor_v1.json"
    path.write_text(json.dumps([RECORD, RECORD | change]))
    with pytest.raises(UsageError, match=rf"hotpot_dev_distractor_v1\.json, {words}"):
        load_dataset("hotpotqa", tmp_path)
