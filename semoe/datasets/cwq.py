"""ComplexWebQuestions (`cwq_dev.json`): several answers with aliases, no types. Source: arXiv 1803.06643."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.question import Question
from semoe.datasets.records import broken_record, find_file, read_records, text_field, texts, unique

FILES = ("cwq_dev.json", "ComplexWebQuestions_dev.json", "sample300.json")


def load_cwq(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order, each answer followed by its aliases."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(read_records(path)):
        number = position + 1
        yield Question(
            qid=text_field(record, "ID", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique(_answers(record, path, number), path, number),
        )


def _answers(record: dict[str, Any], path: Path, number: int) -> list[str]:
    answers = record.get("answers") or []
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        raise broken_record(path, number, "answers must be an array of objects. Repair it.")
    names: list[str] = []
    for answer in answers:
        names += [str(answer.get("answer") or ""), *texts(answer.get("aliases"), "aliases", path, number)]
    return names
