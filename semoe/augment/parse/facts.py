"""The record that all rules fill: questions with an answer, and the words that rules share.

Rules propose; `Facts.add` alone decides what is well-formed, and counts by reason what is not.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

PRONOUNS = frozenset(("he", "she", "it", "they", "him", "her", "them"))
POSSESSIVES = frozenset(("his", "her", "its", "their"))
PLACES = frozenset(("GPE", "LOC", "FAC"))
WHERE = ("Where", "In what place")
WHEN = ("When", "On what date or in what year")
MAX_ANSWER_WORDS = 8
QUESTION_WORDS = range(3, 23)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Questions in several wordings, one answer."""

    questions: tuple[str, ...]
    answer: str
    kind: str
    """Which rule made it: `kind`, `isa`, `where`, `when`, `agent`, …"""
    priority: float
    """Lower is asked first."""


@dataclass(slots=True)
class Facts:
    """The candidates of one passage while its rules run."""

    title: str
    rejected: Counter[str]
    made: list[Candidate] = field(default_factory=list)
    is_person: bool = False

    def add(self, questions: tuple[str, ...], answer: str, kind: str, priority: float) -> None:
        """Files a question with its wordings, or counts why not."""
        answer = answer.strip(" ,.;:\"'–-")
        reason = _bad_answer(answer)
        if reason is None:
            asked = tuple(_capitalised(question) for question in questions)
            apart = tuple(question for question in asked if answer.lower() not in question.lower())
            kept = tuple(question for question in apart if len(question.split()) in QUESTION_WORDS)
            if kept:
                self.made.append(Candidate(kept, answer, kind, priority))
                return
            reason = "question-length" if apart else "answer-in-question"
        self.rejected[reason] += 1


def _bad_answer(answer: str) -> str | None:
    if len(answer) < 2:
        return "answer-empty"
    if len(answer.split()) > MAX_ANSWER_WORDS:
        return "answer-too-long"
    return "pronoun-answer" if answer.lower() in PRONOUNS | POSSESSIVES else None


def _capitalised(question: str) -> str:
    squeezed = re.sub(r"\s+", " ", question).strip()
    return squeezed[:1].upper() + squeezed[1:]
