"""Questions from full verbs: their objects, agents, places, dates and other prepositional phrases.

Called by `clauses`; forms of "be" are `copula`'s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Token

from semoe.augment.parse.candidate import Candidate
from semoe.augment.parse.phrases import children, conjuncts, noun_phrase, objects_of
from semoe.augment.parse.questions import PLACES, TIMES, WHEN, WHERE, inflect, past_tense, question_words
from semoe.augment.parse.subjects import KIN, Subject

_PLACE_WORDS = frozenset(("in", "at", "near", "on", "from", "to", "into"))
_DIRECTIONS = frozenset(("from", "to", "into"))
_IDIOMS = frozenset((("take", "place"), ("take", "part"), ("take", "over")))
"""Objects that are half of their verb, and no answer."""
_MAX_OBJECT = 6


@dataclass(frozen=True, slots=True)
class _Asking:
    """A clause as a question without its question word."""

    verb: Token
    subject: Subject
    bare: str
    """"did T direct"."""
    whole: str
    """"did T direct the film"."""


def verb_facts(verb: Token, subject: Subject) -> Iterator[Candidate]:
    """Yields what a full verb says of its subject."""
    inflected = inflect(verb)
    if inflected is None:
        return
    objects = [child for child in children(verb, "dobj", "attr", "oprd") if child.i > verb.i]
    bare = f"{inflected.before} {subject.text} {inflected.after}"
    asking = _Asking(verb, subject, bare, bare + _object_text(objects))
    yield from _object_facts(objects, asking)
    for moment in children(verb, "npadvmod"):
        if _is_time(moment):
            yield _when(moment, asking)
    for preposition in _prepositions(verb, objects):
        for target in objects_of(preposition)[:1]:
            yield from _preposition_facts(preposition, target, asking)


def _object_text(objects: list[Token]) -> str:
    if not objects:
        return ""
    phrase = objects[0].doc[objects[0].left_edge.i : objects[0].i + 1]
    return f" {phrase.text if len(phrase) <= _MAX_OBJECT else objects[0].text}"


def _prepositions(verb: Token, objects: list[Token]) -> list[Token]:
    """The verb's own, and those of its objects, which the parser often hangs one too low."""
    lower = [child for noun in objects for child in children(noun, "prep") if child.lower_ != "of"]
    return [*children(verb, "prep", "agent"), *lower]


def _object_facts(objects: list[Token], asking: _Asking) -> Iterator[Candidate]:
    for found in objects:
        if (asking.verb.lemma_, found.lower_) in _IDIOMS and not found.n_lefts:
            continue
        for number, noun in enumerate(conjuncts(found)[:2]):
            wh = "Who" if noun.ent_type_ == "PERSON" or noun.lemma_ in KIN else "What"
            question = f"{wh}{' else' if number else ''} {asking.bare}?"
            kind = "obj2" if number else "obj"
            yield Candidate((question,), noun_phrase(noun), kind, asking.subject.rank + 2 + number / 2)


def _preposition_facts(preposition: Token, target: Token, asking: _Asking) -> Iterator[Candidate]:
    label = target.ent_type_
    word = preposition.lower_
    if _is_time(target):
        yield _when(target, asking)
    elif preposition.dep_ == "agent" or (word == "by" and asking.verb.tag_ == "VBN"):
        yield from _agent_facts(target, asking)
    elif _is_place(word, target):
        yield _where(word, target, asking)
    else:
        questions = tuple(f"{wh} {asking.whole} {word}?" for wh in question_words(label))
        yield Candidate(questions, noun_phrase(target), "prep", asking.subject.rank + (1.5 if label else 2.5))
    if _is_time(target) or _is_place(word, target):
        # "born in 1933 in Cleveland": the parser hangs the second phrase on the first.
        for inner in children(target, "prep"):
            if inner.lower_ in ("in", "at", "on"):
                for noun in objects_of(inner)[:1]:
                    yield from _preposition_facts(inner, noun, asking)


def _is_time(noun: Token) -> bool:
    return noun.ent_type_ in TIMES or (not noun.ent_type_ and re.fullmatch(r"[12]\d{3}", noun.text) is not None)


def _is_place(word: str, noun: Token) -> bool:
    if noun.ent_type_ in PLACES:
        return word in _PLACE_WORDS
    # Small towns go unrecognised or pass for people, but nobody is born "in" a person.
    return noun.pos_ == "PROPN" and noun.ent_type_ in ("", "PERSON") and word in ("in", "at", "near")


def _when(target: Token, asking: _Asking) -> Candidate:
    questions = tuple(f"{wh} {asking.whole}?" for wh in WHEN)
    return Candidate(questions, noun_phrase(target), "when", asking.subject.rank + 1)


def _where(word: str, target: Token, asking: _Asking) -> Candidate:
    if word in _DIRECTIONS:
        questions = (f"Where {asking.whole} {word}?", f"What place {asking.whole} {word}?")
    else:
        questions = (f"{WHERE[0]} {asking.whole}?", f"{WHERE[1]} {asking.whole}?")
    return Candidate(questions, noun_phrase(target), "where", asking.subject.rank + 0.5)


def _agent_facts(target: Token, asking: _Asking) -> Iterator[Candidate]:
    for number, agent in enumerate(conjuncts(target)[:2]):
        wh = f"{'Who' if agent.ent_type_ or agent.lemma_ in KIN else 'What'}{' else' if number else ''}"
        questions = (f"{wh} {past_tense(asking.verb)} {asking.subject.text}?", f"{wh} {asking.bare} by?")
        yield Candidate(questions, noun_phrase(agent), "agent", asking.subject.rank + 0.5 + number / 2)
