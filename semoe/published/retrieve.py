"""Stage `retrieve`: finds the passages of each question and files them, rank and score kept.

`retrieved/{dataset}/{data_type}.json` has the shape of an augmented file without augmentation.
"""

from dataclasses import dataclass
from pathlib import Path

from semoe.datasets.augmented_file import read_augmented, write_augmented
from semoe.datasets.loading import file_type, load_dataset
from semoe.datasets.question import Question
from semoe.published.settings import DatasetSettings
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.retriever import Retriever
from semoe.stages.retrieve import find_passages, hits_of, question_of, unanswered
from semoe.telemetry.progress import progress


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrieveReport:
    """What `retrieve` did."""

    num_questions: int
    num_passages: int
    """Distinct ones."""
    path: Path


def retrieve(
    retriever: Retriever,
    settings: DatasetSettings,
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
    with progress("retrieve", len(questions), "questions") as advance:
        found = find_passages(retriever, [unanswered(question) for question in questions], topk, advance)
    path = settings.retrieved_folder / f"{file_type(settings.dataset, settings.data_type, data_path)}.json"
    write_augmented(path, found, "retrieved")
    distinct = {(p.title, p.passage) for question in found for p in question.passages}
    return RetrieveReport(num_questions=len(found), num_passages=len(distinct), path=path)


def read_retrieved(path: Path) -> list[tuple[Question, list[Retrieved]]]:
    """Reads what `retrieve` left."""
    return [(question_of(record), hits_of(record)) for record in read_augmented(path)]
