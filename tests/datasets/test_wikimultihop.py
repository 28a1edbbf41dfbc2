import json
from pathlib import Path
from typing import Any

import pytest

from semoe.datasets.loading import load_dataset
from semoe.errors import UsageError

DATA = Path(__file__).parent.parent / "data" / "2wikimultihopqa"
RECORD: dict[str, Any] = {"_id": "a", "question": "q?", "answer": "x", "answer_id": "Q1", "type": "inference"}


def _load(folder: Path, *records: dict[str, Any], aliases: str | None = None) -> list[tuple[str, ...]]:
    (folder / "dev.json").write_text(json.dumps(records))
    if aliases is not None:
        (folder / "id_aliases.json").write_text(aliases)
    return [question.answers for question in load_dataset("2wikimultihopqa", folder)]


def test_every_type_of_the_original_file_with_its_aliases() -> None:
    questions = load_dataset("2wikimultihopqa", DATA)
    assert [question.type for question in questions] == [
        "compositional",
        "comparison",
        "bridge_comparison",
        "inference",
    ]
    assert questions[0].answers[:3] == ("French", "France", "Republic of France")
    assert questions[0].answers.count("French") == 1
    assert questions[2].answers == ("Joe + Belle",)


def test_golden_passages_are_joined_by_a_space() -> None:
    golden = load_dataset("2wikimultihopqa", DATA)[1].golden_passages
    record = json.loads((DATA / "dev.json").read_text())[1]
    texts = {title: " ".join(sentences) for title, sentences in record["context"]}
    assert golden == (texts["This Night Is Still Ours"], texts["Huma Gun Anmogaldi"])


def test_an_id_without_aliases_means_none_and_the_file_may_be_absent(tmp_path: Path) -> None:
    assert _load(tmp_path, RECORD, RECORD | {"answer_id": None}) == [("x",), ("x",)]
    lines = '{"Q_id": "Q2", "aliases": ["z"]}\n\n{"Q_id": "Q3", "aliases": null}\n'
    assert _load(tmp_path, RECORD, RECORD | {"answer_id": "Q2"}, aliases=lines) == [("x",), ("x", "z")]


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ('{"Q_id": "Q1", "aliases": ["z"]}\n{"Q_id"\n', "line 2, column .*broken JSON"),
        ('{"id": "Q1"}\n', "record 1: expected an object with Q_id"),
        ("[1]\n", "record 1: expected an object with Q_id"),
        ('{"Q_id": "Q1", "aliases": "z"}\n', "record 1: aliases must be an array of strings"),
    ],
)
def test_a_broken_alias_file_is_named_with_the_place(tmp_path: Path, aliases: str, words: str) -> None:
    with pytest.raises(UsageError, match=rf"id_aliases\.json, {words}"):
        _load(tmp_path, RECORD, aliases=aliases)


def test_a_record_without_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"dev\.json, record 2: the question has no answer"):
        _load(tmp_path, RECORD, RECORD | {"answer": None})
