"""Whom a clause speaks of: the subject as text, resolved to the title where it means the title."""

import re
from dataclasses import dataclass

from semoe.augment.parse.facts import PRONOUNS
from semoe.augment.parse.phrases import Token, entity_of

_OPAQUE = frozenset(("who", "which", "that", "this", "these", "there", "i", "we", "you", "what"))
_NAMES = frozenset(("PERSON", "ORG", "GPE", "WORK_OF_ART", "FAC", "LOC", "EVENT"))


@dataclass(frozen=True, slots=True)
class Subject:
    """A resolved subject."""

    text: str
    is_title: bool


def plain_title(title: str) -> str:
    """The title without its bracket."""
    return re.sub(r"\s*\([^)]*\)$", "", title).strip()


def opening_name(title: str, text: str) -> str | None:
    """The name that opens the passage, if it shares a word with the title: "Juha Petteri Jokela"."""
    match = re.match(r"(?:The )?([^(,]{3,60}?)\s*(?:\(|,| is | was | are | were )", text)
    if match is None or not match[1][:1].isupper():
        return None
    name = re.sub(r'["“”]', "", match[1]).strip()
    shares = set(name.split()) & set(title.split())
    return name if shares and len(name.split()) <= 7 else None


def resolve(token: Token, title: str, head_nouns: set[str]) -> Subject | None:
    """Returns the subject of a clause, or None where it is not known whom it means."""
    phrase = token.doc[token.left_edge.i : token.i + 1].text
    determiners = {child.lower_ for child in token.children}
    if token.lower_ in PRONOUNS:
        return Subject(title, True)
    if token.lower_ in _OPAQUE:
        return None
    owners = [child for child in token.children if child.dep_ == "poss"]
    if owners:
        own = owners[0].lower_ in ("his", "her", "its", "their") or owners[0].text in title.split()
        owned = token.doc[owners[0].right_edge.i + 1 : token.i + 1].text
        return Subject(f"{title}'s {owned}", False) if own and owned else None
    names_title = token.pos_ == "PROPN" and token.text in title.split()
    means_title = token.pos_ == "NOUN" and token.lemma_.lower() in head_nouns and bool({"the", "this"} & determiners)
    if names_title or means_title or title.lower() in phrase.lower():
        return Subject(title, True)
    entity = entity_of(token)
    if entity is not None and entity.label_ in _NAMES:
        return Subject(entity.text, False)
    short = len(list(token.subtree)) <= 8
    return Subject(phrase, False) if "the" in determiners and short else None
