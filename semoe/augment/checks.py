"""What a model wrote, made to fit or turned away with a reason: questions, round-trip answers and rewrites.

Pure functions over text. The token F1 is SQuAD's (Rajpurkar et al. 2016), because that is how answers are
scored.
"""

import re
import string
from collections import Counter
from collections.abc import Collection

from spacy.tokens import Doc

from semoe.augment.rejection import Reason

MIN_RECOVERY_F1 = 0.5
MIN_SHARED_WORDS = 0.2
MIN_QUESTION_WORDS = 3
MAX_QUESTION_WORDS = 30
_QUESTION_WORDS = frozenset({"Who", "Where", "When", "What", "Which", "How", "In", "On", "The", "A"})
"""Capitals that a question has for its first word's sake: they name nothing."""


def first_question(text: str) -> str:
    """Returns `text` up to its first question mark; empty where a line ends before one comes."""
    line = text.lstrip().split("\n", 1)[0]
    question, mark, _ = line.partition("?")
    return " ".join(question.split()) + mark if mark else ""


def first_answer(text: str) -> str:
    """Returns the first line of `text` without quotes and closing full stop."""
    return text.strip().split("\n", 1)[0].strip(" \"'.")


def question_fault(question: str, answer: str, about: str, others: Collection[str]) -> Reason | None:
    """Returns why a question does not serve; None if it does.

    Args:
        question: what the model wrote.
        answer: what it must not give away.
        about: the title and the sentence; a question that names nothing in them fits any passage.
        others: the questions kept so far.
    """
    if not question:
        return "no-question"
    if not MIN_QUESTION_WORDS <= len(question.split()) <= MAX_QUESTION_WORDS:
        return "question-length"
    if f" {normal(answer)} " in f" {normal(question)} ":
        return "question-holds-answer"
    if not _names(question) & _names(about):
        return "question-off-topic"
    if normal(question) in map(normal, others):
        return "duplicate-question"
    return None


def _names(text: str) -> set[str]:
    """Returns the words with a capital or a digit, question words aside."""
    words = set(re.findall(r"\w+", text))
    return {word for word in words if word[0].isupper() or word.isdigit()} - _QUESTION_WORDS


def is_recovered(said: str, answer: str) -> bool:
    """Tells whether the model's own answer is the one that the question was made for."""
    return token_f1(said, answer) >= MIN_RECOVERY_F1


def token_f1(said: str, answer: str) -> float:
    """Returns 2PR / (P + R) over the words that both share."""
    words_said = Counter(normal(said).split())
    words_wanted = Counter(normal(answer).split())
    shared = (words_said & words_wanted).total()
    return 2 * shared / (words_said.total() + words_wanted.total()) if shared else 0.0


def normal(text: str) -> str:
    """Returns `text` in SQuAD's normal form: lower case, no punctuation, no articles, single spaces."""
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def tidy_rewrite(text: str, *, is_whole: bool) -> str:
    """Returns a rewrite without repeated sentences and, if it was cut off, without the broken last one."""
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(text.split()))
    if not is_whole and len(sentences) > 1:
        sentences.pop()
    return " ".join(dict.fromkeys(sentences))


def is_on_topic(rewrite: str, passage: Doc) -> bool:
    """Tells whether a rewrite holds a fair share of the passage's content words."""
    content = {token.lower_ for token in passage if not token.is_stop and (token.is_alpha or token.like_num)}
    words = set(re.findall(r"\w+", rewrite.lower()))
    return bool(rewrite) and len(content & words) >= MIN_SHARED_WORDS * len(content)
