"""HotpotQA (`hotpot_dev_distractor_v1.json`): types bridge and comparison. Source: arXiv 1809.09600."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.question import Question
from semoe.datasets.records import broken_record, find_file, read_records, text_field, unique
from semoe.errors import UsageError

FILES = ("hotpot_dev_distractor_v1.json", "hotpotqa-dev.json", "sample300.json")


def load_hotpotqa(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order."""
    path = find_file(data_path, FILES)
    for position, record in enumerate(read_records(path)):
        number = position + 1
        yield Question(
            qid=text_field(record, "_id", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique([str(record.get("answer") or "")], path, number),
            type=record.get("type"),
            golden_passages=golden_passages(record, "", path, number),
            golden_titles=golden_titles(record, path, number),
        )


def golden_passages(record: dict[str, Any], joint: str, path: Path, number: int) -> tuple[str, ...]:
    """Returns the texts of the supporting passages, sentences joined by `joint`, repeats dropped."""
    titles = golden_titles(record, path, number)
    try:
        context = {title: joint.join(sentences) for title, sentences in record.get("context", [])}
    except (TypeError, ValueError) as error:
        raise _not_pairs(path, number) from error
    return tuple(context[title] for title in titles if title in context)


def golden_titles(record: dict[str, Any], path: Path, number: int) -> tuple[str, ...]:
    """Returns the titles of the supporting passages, repeats dropped."""
    try:
        return tuple(dict.fromkeys(str(title) for title, _ in record.get("supporting_facts", [])))
    except (TypeError, ValueError) as error:
        raise _not_pairs(path, number) from error


def _not_pairs(path: Path, number: int) -> UsageError:
    return broken_record(
        path, number, "context or supporting_facts is not an array of pairs. Take the dataset's original file."
    )
