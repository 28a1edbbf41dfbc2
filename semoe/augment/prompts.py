"""What the `model` augmenter says to the language model: three tasks, each a chat with the answer's opening given.

The opening decides the form of what follows (a question that starts with the right question word, a short answer),
so that even a small model cannot miss it. `VERSION` is part of what an augmentation is: raise it with any change.
"""

from typing import NamedTuple

from semoe.augment.spans import AnswerSpan
from semoe.retrieval.passage import Passage

VERSION = 1

_OPENINGS = {
    "PERSON": "Who", "ORG": "Which organization", "NORP": "Which group", "GPE": "In which place", "LOC": "In which place",
    "FAC": "Which place", "DATE": "When", "TIME": "When", "WORK_OF_ART": "Which work", "EVENT": "Which event",
    "LANGUAGE": "Which language", "MONEY": "How much money", "PERCENT": "What percentage", "CARDINAL": "How many",
    "QUANTITY": "How much",
}  # fmt: skip


class Prompt(NamedTuple):
    """A user's turn, and the words with which the model's own turn opens."""

    user: str
    opening: str


def question_prompt(passage: Passage, span: AnswerSpan) -> Prompt:
    """Asks for the question that `span` answers."""
    user = (
        f"{_shown(passage)}\n\n"
        f'Write one quiz question about {passage.title or "the passage"} to which the answer is "{span.text}". '
        f'Use this sentence: "{span.sentence}" '
        f'Name what the question is about, and do not use the words "{span.text}" in it.'
    )
    return Prompt(user, opening(span))


def answer_prompt(passage: Passage, question: str) -> Prompt:
    """Asks the question of the passage."""
    user = f"{_shown(passage)}\n\nAnswer in a few words, copied from the passage.\nQuestion: {question}"
    return Prompt(user, "Answer:")


def rewrite_prompt(passage: Passage) -> Prompt:
    """Asks for the passage in other words."""
    user = (
        "Say the following in different words. Change the order and the wording of the sentences, but keep every "
        f"name, place, date and fact as it is.\n\n{_shown(passage)}"
    )
    return Prompt(user, "")


def opening(span: AnswerSpan) -> str:
    """Returns the question words that fit the kind of answer."""
    return _OPENINGS.get(span.label, "What")


def _shown(passage: Passage) -> str:
    return f"{passage.title}: {passage.text}" if passage.title else passage.text
