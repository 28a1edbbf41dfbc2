"""Stage `retrieve`: finds the passages of each question and files them, rank and score kept.

`retrieved/{dataset}/{data_type}.json` has the shape of an augmented file without augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from semoe.datasets import (
    AugmentedPassage,
    AugmentedQuestion,
    Question,
    load_dataset,
    read_augmented,
    write_augmented,
)
from semoe.datasets.loading import loaders
from semoe.retrieval import Passage, Retrieved, Retriever
from semoe.telemetry import progress
from semoe.worker.settings import StageSettings

CHUNK = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveReport:
    """What `retrieve` did."""

    num_questions: int
    num_passages: int
    """Distinct ones."""
    path: Path


def retrieve(
    retriever: Retriever,
    settings: StageSettings,
    data_path: Path,
    *,
    topk: int,
    shuffle: bool = False,
    seed: int = 42,
) -> RetrieveReport:
    """Retrieves the top `topk` passages of each question, with the question as query."""
    questions = load_dataset(
        settings.dataset,
        data_path,
        data_type=settings.data_type,
        sample=settings.sample,
        shuffle=shuffle,
        seed=seed,
    )
    found: list[AugmentedQuestion] = []
    with progress("retrieve", len(questions), "questions") as advance:
        for start in range(0, len(questions), CHUNK):
            chunk = questions[start : start + CHUNK]
            hits = retriever.search([question.question for question in chunk], topk)
            found += [with_passages(unanswered(question), own) for question, own in zip(chunk, hits, strict=True)]
            advance(len(chunk))
    path = settings.retrieved_folder / f"{file_type(settings, data_path)}.json"
    write_augmented(path, found, "retrieved")
    distinct = {(p.title, p.passage) for question in found for p in question.passages}
    return RetrieveReport(num_questions=len(found), num_passages=len(distinct), path=path)


def file_type(settings: StageSettings, data_path: Path) -> str:
    """Returns the file's data type: the one asked for, the name of a custom JSON file, or `total`."""
    if settings.data_type:
        return settings.data_type
    return "total" if settings.dataset in loaders else data_path.stem


def read_retrieved(path: Path) -> list[tuple[Question, list[Retrieved]]]:
    """Reads what `retrieve` left."""
    return [(_question(record), _hits(record.passages)) for record in read_augmented(path)]


def unanswered(question: Question) -> AugmentedQuestion:
    """Returns a question without passages yet."""
    return AugmentedQuestion(
        qid=question.qid,
        test_id=question.test_id,
        question=question.question,
        answers=question.answers,
        type=question.type,
        golden_passages=question.golden_passages,
    )


def with_passages(question: AugmentedQuestion, hits: Sequence[Retrieved]) -> AugmentedQuestion:
    """Returns a question with what was found for it."""
    passages = tuple(
        AugmentedPassage(
            pid=hit.rank,
            passage=hit.passage.text,
            title=hit.passage.title,
            id=hit.passage.id,
            score=hit.score,
        )
        for hit in hits
    )
    return replace(question, passages=passages)


def _question(record: AugmentedQuestion) -> Question:
    return Question(
        qid=record.qid,
        test_id=record.test_id,
        question=record.question,
        answers=record.answers,
        type=record.type,
        golden_passages=record.golden_passages,
    )


def _hits(passages: Sequence[AugmentedPassage]) -> list[Retrieved]:
    return [Retrieved(Passage(p.id, p.passage, p.title), p.score, p.pid) for p in passages]
