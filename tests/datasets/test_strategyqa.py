import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.loading import data_types, load_dataset
from semoe.errors import UsageError

RECORD: dict[str, Any] = {
    "qid": "a", "term": "Ice", "description": "frozen water", "question": "Does ice float?", "answer": True,
    "facts": ["Ice is lighter than water."], "decomposition": ["Is ice lighter?"], "evidence": [[["no_evidence"]]],
}  # fmt: skip


def written(folder: Path, *records: Any) -> Path:
    (folder / "strategyqa_train.json").write_text(json.dumps(records))
    return folder


def test_a_truth_value_is_yes_or_no(tmp_path: Path) -> None:
    found = load_dataset("strategyqa", written(tmp_path, RECORD, RECORD | {"qid": "b", "answer": False}))
    assert [(one.qid, one.test_id, one.answers) for one in found] == [("a", 0, ("yes",)), ("b", 1, ("no",))]
    assert found[0].question == "Does ice float?"
    assert data_types("strategyqa") == ("total",)


@pytest.mark.parametrize(
    ("changed", "words"), [({"answer": "yes"}, "true or false"), ({"answer": None}, "record 1"), ({"qid": ""}, "qid")]
)
def test_a_record_of_another_kind_is_named(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load_dataset("strategyqa", written(tmp_path, RECORD | changed))


def test_a_folder_without_its_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"strategyqa_train\.json"):
        load_dataset("strategyqa", tmp_path)
