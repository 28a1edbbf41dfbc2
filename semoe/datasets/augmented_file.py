"""Augmented data on disk, in the published `data_aug` shape.

Reads the published archives too: any field prefix, no `qid`, null extra fields. Ours add `title`, `id`, `score`, and
a pair's `wordings`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion, QAPair
from semoe.datasets.question_file import read_records
from semoe.errors import UsageError
from semoe.files import write_json


def read_augmented(path: Path) -> list[AugmentedQuestion]:
    """Reads a file of augmented questions.

    Raises:
        UsageError: missing or broken file, or a record without its fields; the message says which.
    """
    # The published popqa files have no test_id: position stands in.
    return [
        from_record({"test_id": position} | record, f"{path}, record {position + 1}")
        for position, record in enumerate(read_records(path))
    ]


def write_augmented(path: Path, questions: Sequence[AugmentedQuestion], prefix: str) -> None:
    """Writes augmented questions, whole or not at all; `prefix` names who augmented them."""
    write_json(path, [to_record(question, prefix) for question in questions])


def to_record(question: AugmentedQuestion, prefix: str) -> dict[str, Any]:
    """Returns the published JSON object of a question."""
    record: dict[str, Any] = {
        "qid": question.qid,
        "test_id": question.test_id,
        "question": question.question,
        "answer": list(question.answers),
        "type": question.type,
        "golden_passages": list(question.golden_passages),
        "passages": [passage.passage for passage in question.passages],
        "augment": [_passage_record(passage, prefix) for passage in question.passages],
    }
    return {name: value for name, value in record.items() if value is not None}


def from_record(record: dict[str, Any], where: str) -> AugmentedQuestion:
    """Builds a question from the published JSON object.

    Raises:
        UsageError: a field is missing or of another kind; the message starts with `where`.
    """
    try:
        test_id = int(record.get("test_id", 0))
        qid = record.get("qid")
        answer = record["answer"]
        return AugmentedQuestion(
            qid=str(test_id if qid is None else qid),
            test_id=test_id,
            question=_text(record, "question"),
            answers=tuple(map(str, answer)) if isinstance(answer, list) else (_text(record, "answer"),),
            type=record.get("type"),
            golden_passages=tuple(record.get("golden_passages") or ()),
            passages=tuple(_passage(item, pid) for pid, item in enumerate(record["augment"])),
        )
    except KeyError as error:
        raise _broken(where, f"no {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise _broken(where, str(error)) from error


def _broken(where: str, problem: str) -> UsageError:
    cure = "Repair the record or run `semoe augment` again."
    return UsageError(f"{where}: not an augmented question ({problem}). {cure}", kind="broken-record")


def _text(record: dict[str, Any], name: str) -> str:
    if not isinstance(record, dict):
        raise TypeError(f"an object with {name} was expected")
    if not isinstance(record[name], str):
        raise TypeError(f"{name} is not a string")
    return str(record[name])


def _passage_record(passage: AugmentedPassage, prefix: str) -> dict[str, Any]:
    return {
        "pid": passage.pid,
        "id": passage.id,
        "title": passage.title,
        "score": passage.score,
        "passage": passage.passage,
        f"{prefix}_rewrite": passage.rewrite,
        f"{prefix}_qa": [_pair_record(pair) for pair in passage.qa],
    }


def _pair_record(pair: QAPair) -> dict[str, Any]:
    record = {"question": pair.question, "answer": pair.answer, "full_answer": pair.full_answer}
    return record | ({"wordings": list(pair.wordings)} if pair.wordings else {})


def _passage(item: dict[str, Any], pid: int) -> AugmentedPassage:
    # Any prefix will do: whose model it was stands in the file's folder.
    passage = _text(item, "passage")
    rewrite = next((value for name, value in item.items() if name.endswith("_rewrite")), None)
    pairs = next((value for name, value in item.items() if name.endswith("_qa")), None)
    return AugmentedPassage(
        pid=int(item.get("pid", pid)),
        passage=passage,
        title=item.get("title") or "",
        id=str(item.get("id") or ""),
        rewrite=rewrite or "",
        qa=tuple(_pair(pair) for pair in pairs or ()),
        score=float(item.get("score") or 0),
    )


def _pair(pair: dict[str, Any]) -> QAPair:
    question = _text(pair, "question")
    answer = pair["answer"]
    return QAPair(
        question=question,
        answer=", ".join(map(str, answer)) if isinstance(answer, list) else str(answer),
        full_answer=str(pair.get("full_answer", "")),
        wordings=tuple(pair.get("wordings", ())),
    )
