"""A user's own questions: records with `question` and `answer` (a string or a list), as `question_file` reads them.

The file's name without its ending is the type of all its questions.
"""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.question_file import own_name, read_records
from semoe.datasets.records import ANSWERS, answers_field, text_field, unique
from semoe.errors import UsageError


def load_custom(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order; `qid` may be given, else it is the position."""
    for position, record in enumerate(read_records(data_path)):
        number = position + 1
        qid = record.get("qid")
        question = text_field(record, "question", data_path, number)
        answers = answers_field(record, data_path, number)
        if not answers:
            raise UsageError(
                f"{data_path}, record {number}: the question has no answer (found: {', '.join(record)}). Give it one "
                f"of {', '.join(ANSWERS)}, a text or a list of texts, or remove it.",
                kind="no-answer",
            )
        yield Question(
            qid=str(position if qid is None else qid),
            test_id=position,
            question=question,
            answers=unique(answers, data_path, number),
            type=own_name(data_path),
        )
