"""2WikiMultihopQA (`dev.json`, aliases in `id_aliases.json`): four types. Source: arXiv 2011.01060."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semoe.datasets.question import Question
from semoe.datasets.question_file import read_records
from semoe.datasets.records import answers_field, broken_record, find_file, id_field, text_field, texts, unique
from semoe.datasets.supporting import golden_passages, golden_titles, with_metadata
from semoe.files import read_json_lines

FILES = ("dev.json", "sample300.json")
ALIASES = "id_aliases.json"


def load_wikimultihop(data_path: Path) -> Iterator[Question]:
    """Yields the questions in file order: the answer, then the aliases of its id, if any are known."""
    path = find_file(data_path, FILES)
    aliases = _aliases(path.parent / ALIASES)
    for position, record in enumerate(map(with_metadata, read_records(path))):
        number = position + 1
        known = aliases.get(str(record.get("answer_id")), [])
        yield Question(
            qid=id_field(record, "_id", path, number),
            test_id=position,
            question=text_field(record, "question", path, number),
            answers=unique([*answers_field(record, path, number), *known], path, number),
            type=record.get("type"),
            golden_passages=golden_passages(record, " ", path, number),
            golden_titles=golden_titles(record, path, number),
        )


def _aliases(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    return dict(_alias(line, path, number) for number, line in enumerate(read_json_lines(path), 1))


def _alias(line: Any, path: Path, number: int) -> tuple[str, list[str]]:
    if not isinstance(line, dict) or "Q_id" not in line:
        raise broken_record(path, number, "expected an object with Q_id and aliases. Repair or remove it.")
    return str(line["Q_id"]), texts(line.get("aliases"), "aliases", path, number)
