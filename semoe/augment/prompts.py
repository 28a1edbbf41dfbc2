"""What the `model` augmenter says to the language model: three tasks, as chats with worked examples.

The last turn, the model's own, is given its opening (a question word that fits the answer), so that even a
small model keeps the form. Any change here raises `contract.PROMPTS_VERSION`.
"""

from dataclasses import dataclass

from semoe.augment.spans import AnswerSpan
from semoe.retrieval.passage import Passage


@dataclass(frozen=True, slots=True)
class Prompt:
    """A chat that the model is to go on with."""

    messages: tuple[dict[str, str], ...]
    opening: str = ""
    """The first words of the model's own turn."""


_OPENINGS = {
    "PERSON": "Who", "GPE": "Where", "LOC": "Where", "FAC": "Where", "DATE": "When", "TIME": "When",
    "LANGUAGE": "Which language", "PERCENT": "What percentage", "CARDINAL": "How many",
    "QUANTITY": "How much",
}  # fmt: skip

# Invented facts: an example must not teach the model anything about a real passage.
_ASKED = (
    ("Orla Venn", "Orla Venn was born in Port Hallow in 1931.", "1931", "When was Orla Venn born?"),
    ("Orla Venn", "Orla Venn was born in Port Hallow in 1931.", "Port Hallow", "Where was Orla Venn born?"),
    (
        "Grey Lanterns",
        "Grey Lanterns is a novel by Tam Okoro.",
        "Tam Okoro",
        "Who wrote Grey Lanterns?",
    ),
    (
        "Lake Sturr",
        "Lake Sturr supplies water to the mills of Edby.",
        "water",
        "What does Lake Sturr supply?",
    ),
)
_TEACHER = "You write quiz questions. Each question names its subject and has the given answer."
_READING = "Read the passage and answer the question with a short phrase."
_ANSWER = "Answer:"
_READER = "You answer questions from a passage, with as few words as possible."
_READ = (
    (
        "Orla Venn was a Velsh painter. She was born in Port Hallow in 1931.",
        "When was Orla Venn born?",
        "1931",
    ),
    ("Grey Lanterns is a novel by Tam Okoro, set in Edby.", "Who wrote Grey Lanterns?", "Tam Okoro"),
)
_REWORD = (
    "Say this text in different words. Change the order and the wording of the sentences, but keep every "
    "name, place, date and fact as it is."
)


def question_prompt(passage: Passage, span: AnswerSpan) -> Prompt:
    """Asks for the question that `span` answers; of the passage it shows only the sentence."""
    turns = [(_fact(title, sentence, answer), question) for title, sentence, answer, question in _ASKED]
    return Prompt(_chat(_TEACHER, turns, _fact(passage.title, span.sentence, span.text)), opening(span))


def answer_prompt(passage: Passage, question: str) -> Prompt:
    """Asks the question of the passage."""
    turns = [(_reading(text, asked), f"{_ANSWER} {answer}") for text, asked, answer in _READ]
    return Prompt(_chat(_READER, turns, _reading(_shown(passage), question)), _ANSWER)


def rewrite_prompt(passage: Passage) -> Prompt:
    """Asks for the passage in other words."""
    return Prompt(({"role": "user", "content": f"{_REWORD}\n\n{passage.text}"},))


def opening(span: AnswerSpan) -> str:
    """Returns the question words that fit the kind of answer."""
    return _OPENINGS.get(span.label, "What")


def _fact(title: str, sentence: str, answer: str) -> str:
    return f"Subject: {title}\nText: {sentence}\nAnswer: {answer}"


def _reading(text: str, question: str) -> str:
    return f"{_READING}\n\n{text}\n\nQuestion: {question}"


def _chat(system: str, turns: list[tuple[str, str]], last: str) -> tuple[dict[str, str], ...]:
    said = [
        {"role": role, "content": text}
        for turn in turns
        for role, text in zip(("user", "assistant"), turn, strict=True)
    ]
    return ({"role": "system", "content": system}, *said, {"role": "user", "content": last})


def _shown(passage: Passage) -> str:
    return f"{passage.title}: {passage.text}" if passage.title else passage.text
