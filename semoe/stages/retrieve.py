"""Stage `retrieve`: questions to questions with passages, and back to what a retriever said."""

from collections.abc import Sequence
from dataclasses import replace

from semoe.datasets import AugmentedPassage, AugmentedQuestion, Question
from semoe.retrieval import Passage, Retrieved


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
    return [Retrieved(Passage(p.id, p.passage, p.title), p.score, p.pid) for p in record.passages]
