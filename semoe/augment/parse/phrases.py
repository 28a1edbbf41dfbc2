"""Pieces of a dependency parse as text: noun phrases, entities, conjuncts, auxiliaries."""

import re
from typing import Any

from semoe.augment.parse.facts import POSSESSIVES

Token = Any
"""A spaCy token; spaCy ships no types that help here."""
_LEFT = frozenset(("compound", "amod", "nmod", "nummod", "poss", "quantmod", "punct", "advmod", "npadvmod"))


def entity_of(token: Token) -> Any | None:
    """Returns the named entity that holds the token."""
    return next((entity for entity in token.doc.ents if entity.start <= token.i < entity.end), None)


def label_of(token: Token) -> str:
    """Returns the label of the token's entity, or an empty string."""
    entity = entity_of(token)
    return entity.label_ if entity is not None else ""


def without_article(text: str) -> str:
    """Drops a leading article."""
    return re.sub(r"^(?:the|a|an)\s+", "", text, flags=re.IGNORECASE)


def noun_phrase(token: Token) -> str:
    """The token's entity, else left modifiers, head and one `of` or `for` phrase, without article."""
    entity = entity_of(token)
    if entity is not None and entity.label_ not in ("NORP", "CARDINAL", "ORDINAL"):
        return without_article(entity.text)
    start = min([t.i for c in token.lefts if c.dep_ in _LEFT for t in c.subtree] + [token.i])
    while start < token.i and _starts_badly(token.doc[start]):
        start += 1
    return str(token.doc[start : _phrase_end(token)].text)


def _starts_badly(token: Token) -> bool:
    return token.pos_ in ("DET", "PUNCT", "CCONJ") or token.lower_ in POSSESSIVES


def _phrase_end(token: Token) -> int:
    for child in token.rights:
        if child.dep_ == "prep" and child.lower_ in ("of", "for") and child.i == token.i + 1:
            objects = [t for t in child.children if t.dep_ == "pobj"]
            if objects and objects[0].i - token.i <= 5:
                return int(objects[0].i) + 1
    return int(token.i) + 1


def conjuncts(token: Token) -> list[Token]:
    """Returns the token and what is joined to it by and, or, a comma."""
    own = [c for c in token.children if c.dep_ == "conj" and c.pos_ in ("NOUN", "PROPN", "ADJ")]
    return [token, *(t for c in own for t in conjuncts(c))]


def children(token: Token, *dependencies: str) -> list[Token]:
    """Returns the token's children of the given dependencies, in order."""
    return [child for child in token.children if child.dep_ in dependencies]


def auxiliary(verb: Token) -> tuple[str, str]:
    """Returns (what stands before the subject of a question, what stands after it)."""
    helpers = [c for c in children(verb, "aux", "auxpass") if c.i < verb.i]
    particle = " ".join(c.text for c in children(verb, "prt"))
    if helpers:
        return helpers[0].lower_, " ".join([*(h.text for h in helpers[1:]), verb.text, particle]).strip()
    if verb.tag_ == "VBN":
        return "was", f"{verb.text} {particle}".strip()
    do = {"VBD": "did", "VBZ": "does"}.get(verb.tag_, "do")
    return do, f"{verb.lemma_} {particle}".strip()
