"""ComplexWebQuestions (`cwq_dev.json`): several answers with aliases, no types. Source: arXiv 1803.06643.

Its copies keep answers in three layouts: objects with `answer` and `aliases` (the original), one object of lists (the
hub's), plain texts under `answer` (those that come with a graph).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import ANSWERS, answers_field, broken_record, find_file, id_field, text_field, texts, unique

FILES = ("cwq_dev.json", "ComplexWebQuestions_dev.json", "sample300.json")


def load_cwq(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order, each answer followed by its aliases."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(read_records(path)):
        number = position + 1
        yield Question(
            qid=id_field(record, "ID", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique(_answers(record, path, number), path, number),
        )


def _answers(record: dict[str, Any], path: Path, number: int) -> list[str]:
    answers = record.get("answers")
    if isinstance(answers, dict):
        answers = _rows(answers, path, number)
    if isinstance(answers, list) and any(isinstance(answer, dict) for answer in answers):
        return [name for answer in answers for name in _names(answer, path, number)]
    return answers_field(record, path, number, ("answers", *ANSWERS))


def _names(answer: Any, path: Path, number: int) -> list[str]:
    if not isinstance(answer, dict):
        raise broken_record(path, number, "answers must be an array of objects, or of strings. Repair it.")
    name = answer.get("answer")
    return ["" if name is None else str(name), *texts(answer.get("aliases"), "aliases", path, number)]


def _rows(answers: dict[str, Any], path: Path, number: int) -> list[dict[str, Any]]:
    """Returns objects for lists of the same length."""
    names = answers.get("answer")
    aliases = answers.get("aliases") or [None] * len(names if isinstance(names, list) else ())
    if not isinstance(names, list) or not isinstance(aliases, list) or len(names) != len(aliases):
        raise broken_record(path, number, "answers must be lists (answer, aliases) of the same length. Repair it.")
    return [{"answer": name, "aliases": known} for name, known in zip(names, aliases, strict=True)]
