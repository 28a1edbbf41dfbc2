"""Stage `retrieve`: questions to questions with passages, and back to what a retriever said."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from semoe.datasets.augmented import AugmentedPassage, AugmentedQuestion
from semoe.datasets.question import Question
from semoe.generation.switching.methods import methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import Nothing, RetrievalConfig, Retriever
from semoe.retrieval.retrievers import open_retriever
from semoe.telemetry.counting import metrics

CHUNK = 64
"""Questions of one search: enough to keep a retriever busy, few enough for a progress bar to move."""


def find_passages(
    retriever: Retriever,
    questions: Sequence[AugmentedQuestion],
    topk: int,
    advance: Callable[[float], None] = lambda count: None,
) -> list[AugmentedQuestion]:
    """Returns the questions with the top `topk` passages of each; the question is the query.

    Args:
        retriever: searches.
        questions: without passages, or with others that are replaced.
        topk: passages a question, at most.
        advance: told after each search of how many questions it was.

    Raises:
        TransientError: the retriever does not answer.
    """
    found: list[AugmentedQuestion] = []
    for start in range(0, len(questions), CHUNK):
        chunk = questions[start : start + CHUNK]
        hits = retriever.search([question.question for question in chunk], topk)
        found += [_with_passages(question, own) for question, own in zip(chunk, hits, strict=True)]
        metrics.retrievals.inc(len(chunk))
        metrics.passages_retrieved.inc(sum(map(len, hits)))
        advance(len(chunk))
    return found


def switching_retriever(name: str, where: RetrievalConfig, switching: SwitchSettings | None) -> Retriever | None:
    """Opens the retriever that answers need which retrieve on their way; None for answers in one go.

    A method that never asks gets one that finds nothing: it needs no index.

    Raises:
        UsageError: no such retriever or index.
    """
    if switching is None:
        return None
    method = methods[switching.method]
    return open_retriever(name, where) if method.asks_first or method.can_doubt else Nothing()


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


def question_of(record: AugmentedQuestion) -> Question:
    """Returns a question as its dataset has it."""
    return Question(
        qid=record.qid,
        test_id=record.test_id,
        question=record.question,
        answers=record.answers,
        type=record.type,
        golden_passages=record.golden_passages,
    )


def hits_of(record: AugmentedQuestion) -> list[Retrieved]:
    """Returns what was found for a question, as the retriever gave it."""
    return [Retrieved(plain_passage(one), one.score, one.pid) for one in record.passages]


def plain_passage(passage: AugmentedPassage) -> Passage:
    """Returns a passage as its corpus has it."""
    return Passage(passage.id, passage.passage, passage.title)


def unaugmented(passage: Passage, *, pid: int = 0, score: float = 0.0) -> AugmentedPassage:
    """Returns a passage without rewrite and pairs yet."""
    return AugmentedPassage(pid=pid, passage=passage.text, title=passage.title, id=passage.id, score=score)


def _with_passages(question: AugmentedQuestion, hits: Sequence[Retrieved]) -> AugmentedQuestion:
    return replace(question, passages=tuple(unaugmented(hit.passage, pid=hit.rank, score=hit.score) for hit in hits))
