"""StrategyQA (`strategyqa_train.json`): questions of yes or no, no types. Source: arXiv 2101.02235.

DRAGIN asks those of the training file, as the test file has no answers. Facts, steps and evidence are not read.
"""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import broken_record, find_file, id_field, text_field

FILES = ("strategyqa_train.json",)


def load_strategyqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(read_records(path)):
        number = position + 1
        answer = record.get("answer")
        if not isinstance(answer, bool):
            raise broken_record(path, number, "answer must be true or false. Take the dataset's original file.")
        yield Question(
            qid=id_field(record, "qid", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=("yes" if answer else "no",),
        )
