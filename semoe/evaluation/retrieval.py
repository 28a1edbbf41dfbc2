"""What a retriever finds, question by question: passages with the right titles, passages that hold an answer.

Titles and answers are compared as answers are (`normalise`); an answer counts where it stands as whole words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from semoe.datasets.question import Question
from semoe.normalise import normalise
from semoe.retrieval.passage import Retrieved


@dataclass(frozen=True, slots=True)
class Found:
    """One question's passages, looked at."""

    title_ranks: tuple[int | None, ...]
    """Of each title that should be found, the rank of its first passage, from 0; None where there is none."""
    answer_rank: int | None
    """Of the first passage that holds an answer."""

    def titles(self, k: int) -> float:
        """Returns the share of the titles that the first k passages have; 0 where there is none to be found."""
        return sum(_is_within(rank, k) for rank in self.title_ranks) / max(1, len(self.title_ranks))

    def all_titles(self, k: int) -> bool:
        """Whether the first k passages have every title."""
        return bool(self.title_ranks) and all(_is_within(rank, k) for rank in self.title_ranks)

    def answer(self, k: int) -> bool:
        """Whether one of the first k passages holds an answer."""
        return _is_within(self.answer_rank, k)

    @property
    def reciprocal_rank(self) -> float:
        """Of the first passage that holds an answer, counted from 1; 0 where none does."""
        return 0.0 if self.answer_rank is None else 1 / (1 + self.answer_rank)


def look_at(question: Question, hits: Sequence[Retrieved]) -> Found:
    """Returns where in the passages of a question what should be found stands."""
    titles = [normalise(hit.passage.title) for hit in hits]
    texts = [f" {normalise(f'{hit.passage.title} {hit.passage.text}')} " for hit in hits]
    answers = [f" {answer} " for answer in map(normalise, question.answers) if answer]
    return Found(
        title_ranks=tuple(_first([own == normalise(title) for own in titles]) for title in question.golden_titles),
        answer_rank=_first([any(answer in text for answer in answers) for text in texts]),
    )


def _first(there: Sequence[bool]) -> int | None:
    return next((rank for rank, is_there in enumerate(there) if is_there), None)


def _is_within(rank: int | None, k: int) -> bool:
    return rank is not None and rank < k
