"""What the rules propose, and what is well-formed among it.

Rules yield `Candidate`s freely; `well_formed` alone decides which may be asked, and counts by reason which may
not. Knows no parse.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from semoe.augment.rejection import Reason

PRONOUNS = frozenset(("he", "she", "it", "they", "him", "her", "them"))
POSSESSIVES = frozenset(("his", "her", "its", "their"))
_NO_ANSWERS = PRONOUNS.union(
    POSSESSIVES,
    ("himself", "herself", "itself", "themselves"),
    ("who", "whom", "which", "what", "this", "that", "these", "those"),
)
MAX_ANSWER_WORDS = 8
QUESTION_WORDS = range(3, 23)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One question in several wordings, and its answer."""

    questions: tuple[str, ...]
    """Best wording first."""
    answer: str
    kind: str
    """The rule that made it: `kind`, `isa`, `where`, `when`, `agent`, …"""
    priority: float
    """Lower is asked first."""
    sentence: str = ""
    """The statement that it asks about; it contains the answer."""


def well_formed(proposed: Iterable[Candidate], passage: str, rejected: Counter[str]) -> Iterator[Candidate]:
    """Yields what may be asked, cleaned; `passage` is all text that an answer may be quoted from."""
    for candidate in proposed:
        answer = _clean_answer(candidate.answer)
        asked = tuple(dict.fromkeys(map(_clean_question, candidate.questions)))
        apart = tuple(question for question in asked if answer.lower() not in question.lower())
        kept = tuple(question for question in apart if len(question.split()) in QUESTION_WORDS)
        reason = _bad_answer(answer, passage) or _bad_questions(apart, kept)
        if reason is None:
            yield dataclasses.replace(candidate, questions=kept, answer=answer)
        else:
            rejected[reason] += 1


def one_answer_each(found: Iterable[Candidate], rejected: Counter[str]) -> list[Candidate]:
    """Keeps the best candidate of each question, and of the others no wording that is already taken."""
    kept: list[Candidate] = []
    taken: set[str] = set()
    for candidate in sorted(found, key=lambda one: one.priority):
        keys = [_question_key(question) for question in candidate.questions]
        if keys[0] in taken:
            rejected["duplicate-question"] += 1
            continue
        free = (q for q, key in zip(candidate.questions, keys, strict=True) if key not in taken)
        kept.append(dataclasses.replace(candidate, questions=tuple(free)))
        taken.update(keys)
    return kept


def _clean_answer(answer: str) -> str:
    clean = answer.strip(" \n\t,.;:\"'–-")
    # "U.S." keeps its full stop.
    return f"{clean}." if re.search(r"\.\w$", clean) and f"{clean}." in answer else clean


def _bad_answer(answer: str, passage: str) -> Reason | None:
    if len(answer) < 2:
        return "answer-empty"
    if len(answer.split()) > MAX_ANSWER_WORDS:
        return "answer-too-long"
    if answer.lower() in _NO_ANSWERS:
        return "pronoun-answer"
    return None if answer in passage else "answer-not-in-passage"


def _bad_questions(apart: tuple[str, ...], kept: tuple[str, ...]) -> Reason | None:
    if not apart:
        return "answer-in-question"
    return None if kept else "question-length"


def _clean_question(question: str) -> str:
    squeezed = " ".join(question.split()).replace(" ?", "?")
    return squeezed[:1].upper() + squeezed[1:]


def _question_key(question: str) -> str:
    """The same for "What is T?" and "What was T?": a passage that says both means one fact."""
    return re.sub(r"^(who|what|where) (?:is|are|was|were) ", r"\1 be ", question.lower())
