"""Pieces of a dependency parse as text: named entities, noun phrases, conjuncts.

Called by all rules; knows no question.
"""

import re

from spacy.tokens import Span, Token

from semoe.augment.parse.candidate import POSSESSIVES

_LEFT = ("compound", "amod", "nmod", "nummod", "poss", "quantmod", "punct", "advmod", "npadvmod")
_BARE = frozenset(("NORP", "CARDINAL", "ORDINAL"))
"""Entities that are modifiers: an answer needs the noun they stand before."""


def children(token: Token, *dependencies: str) -> list[Token]:
    """Returns a token's children of the given dependencies, in order."""
    return [child for child in token.children if child.dep_ in dependencies]


def entity_of(token: Token) -> Span | None:
    """Returns the named entity that holds a token."""
    if not token.ent_type_:
        return None
    return next((entity for entity in token.doc.ents if entity.start <= token.i < entity.end), None)


def without_article(text: str) -> str:
    """Drops a leading article and a trailing possessive."""
    return re.sub(r"^(?:the|a|an)\s+|['’]s?$", "", text, flags=re.IGNORECASE)


def noun_phrase(token: Token, start: int = 0) -> str:
    """Returns a token's entity, else its left modifiers from `start` on, itself and one "of" or "for" phrase."""
    entity = entity_of(token)
    if entity is not None and entity.label_ not in _BARE and entity.start >= start:
        return "" if is_cut(entity) else without_article(entity.text)
    phrase = token.doc[max(start, _phrase_start(token)) : _phrase_end(token)]
    return "" if is_cut(phrase) else str(phrase.text)


def modified(token: Token) -> int:
    """Returns where a noun begins that keeps its adjectives and compounds, but no determiner or owner."""
    parts = children(token, "compound", "amod", "nmod")
    return min((part.left_edge.i for part in parts if part.i < token.i), default=token.i)


def conjuncts(token: Token) -> list[Token]:
    """Returns a noun and those joined to it by "and", "or" or a comma.

    The parser takes the second of "painter, sculptor and poet" for an apposition.
    """
    own = [child for child in children(token, "conj", "appos") if _may_join(child)]
    return [token, *(joined for child in own for joined in conjuncts(child))]


def objects_of(preposition: Token) -> list[Token]:
    """Returns the nouns that a preposition governs."""
    return children(preposition, "pobj")


def _may_join(token: Token) -> bool:
    if token.dep_ == "conj":
        return token.pos_ in ("NOUN", "PROPN", "ADJ")
    bare = not children(token, "det", "poss", "nummod") and bool(children(token, "conj"))
    return token.pos_ == "NOUN" and token.head.pos_ == "NOUN" and bare


def is_cut(phrase: Span) -> bool:
    """The tokeniser splits "co-founder": "co" is no answer."""
    after = phrase.doc[phrase.end : phrase.end + 1]
    return after.text in ("-", "‐", "/") and not phrase[-1].whitespace_


def _phrase_start(token: Token) -> int:
    start = min((child.left_edge.i for child in children(token, *_LEFT) if child.i < token.i), default=token.i)
    while start < token.i and _cannot_open(token.doc[start]):
        start += 1
    return start


def _cannot_open(token: Token) -> bool:
    return token.pos_ in ("DET", "PUNCT", "CCONJ") or token.lower_ in POSSESSIVES


def _phrase_end(token: Token) -> int:
    end = token.i + 1
    for child in children(token, "prep"):
        if child.i == end and child.lower_ in ("of", "for"):
            near = [noun for noun in objects_of(child)[:1] if noun.i - token.i <= 5]
            return near[0].i + 1 if near else end
    return end
