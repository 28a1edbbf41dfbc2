"""Sentences that stand alone: a passage's own, with an opening pronoun replaced by what it is about.

The rewrite of the `parse` augmenter and the full answers of `model` are made of them. A pronoun later in
the sentence stays, because its noun is then mostly in the same sentence.
"""

import re

from spacy.tokens import Doc, Span

SUBJECTS = frozenset({"he", "she", "it", "they"})
POSSESSIVES = frozenset({"his", "her", "its", "their"})


def subject_of(title: str) -> str:
    """Returns a title without the bracket that tells namesakes apart."""
    return re.sub(r"\s*\([^()]*\)\s*$", "", title).strip()


def restated_sentences(doc: Doc, title: str) -> list[str]:
    """Returns the sentences of a parsed passage, about `title` by name where they opened with a pronoun."""
    subject = subject_of(title)
    return [text for sentence in doc.sents if (text := restate(sentence, subject))]


def restate(sentence: Span, subject: str) -> str:
    """Returns a sentence with its opening pronoun replaced by `subject`, and white space squeezed."""
    first = next((token for token in sentence if not token.is_space), None)
    text = " ".join(sentence.text.split())
    if first is None or not subject:
        return text
    rest = text.removeprefix(first.text)
    word = first.text.lower()
    if word in POSSESSIVES and first.dep_ == "poss":
        return f"{subject}'{'' if subject.endswith('s') else 's'}{rest}"
    # "It is said that …" is about nothing: spaCy calls that pronoun an expletive.
    if word in SUBJECTS and first.dep_ in ("nsubj", "nsubjpass"):
        return f"{subject}{rest}"
    return text
