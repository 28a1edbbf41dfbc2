"""ComplexWebQuestions (`cwq_dev.json`): several answers with aliases, no types. Source: arXiv 1803.06643."""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.records import find_file, read_records, text_field, unique

FILES = ("cwq_dev.json", "ComplexWebQuestions_dev.json", "sample300.json")


def load_cwq(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order, each answer followed by its aliases."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(read_records(path)):
        number = position + 1
        answers = [
            str(name) for a in record.get("answers", []) for name in (a.get("answer") or "", *a.get("aliases", []))
        ]
        yield Question(
            qid=text_field(record, "ID", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique(answers, path, number),
        )
