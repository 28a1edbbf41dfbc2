"""HotpotQA (`hotpot_dev_distractor_v1.json`): types bridge and comparison. Source: arXiv 1809.09600."""

from collections.abc import Iterator
from pathlib import Path

from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import answers_field, find_file, id_field, text_field, unique
from semoe.datasets.supporting import golden_passages, golden_titles, with_metadata

FILES = ("hotpot_dev_distractor_v1.json", "hotpotqa-dev.json", "sample300.json")


def load_hotpotqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order, of the original file or one in the hub's layout."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(map(with_metadata, read_records(path))):
        number = position + 1
        yield Question(
            qid=id_field(record, "_id", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique(answers_field(record, path, number), path, number),
            type=record.get("type"),
            golden_passages=golden_passages(record, "", path, number),
            golden_titles=golden_titles(record, path, number),
        )
