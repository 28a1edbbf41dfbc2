"""A user's own questions: a JSON array of objects with `question` and `answer` (a string or a list)."""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.records import read_records, text_field, unique


def load_custom(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order; `qid` may be given, else it is the position."""
    for position, record in enumerate(read_records(data_path)):
        number, answer = position + 1, record.get("answer")
        answers = answer if isinstance(answer, list) else [answer or ""]
        yield Question(
            qid=str(record.get("qid", position)),
            test_id=position,
            question=text_field(record, "question", data_path, number),
            answers=unique(map(str, answers), data_path, number),
        )
