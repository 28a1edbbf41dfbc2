"""A user's own questions: a JSON array of objects with `question` and `answer` (a string or a list).

The file's name without `.json` is the type of all its questions.
"""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.records import read_records, text_field, texts, unique


def load_custom(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order; `qid` may be given, else it is the position."""
    for position, record in enumerate(read_records(data_path)):
        number = position + 1
        qid = record.get("qid")
        answer = record.get("answer")
        answers = answer if isinstance(answer, list) or answer is None else [answer]
        yield Question(
            qid=str(position if qid is None else qid),
            test_id=position,
            question=text_field(record, "question", data_path, number),
            answers=unique(texts(answers, "answer", data_path, number), data_path, number),
            type=data_path.stem,
        )
