"""Questions from "X is a Y": what X is, of what kind, of which nation, where and of what.

Called by `clauses`; full verbs are `verbs`'.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from spacy.tokens import Span, Token

from semoe.augment.parse.candidate import Candidate
from semoe.augment.parse.phrases import children, conjuncts, entity_of, is_cut, modified, noun_phrase, objects_of
from semoe.augment.parse.questions import PLACES, TIMES, inflect
from semoe.augment.parse.subjects import Subject

_MAX_SPAN = 10
_PRAISE = frozenset(("former", "retired", "late", "famous", "notable", "renowned", "prominent", "few"))
_VAGUE = frozenset(("part", "member", "one", "result", "example", "set"))
"""Nouns that say nothing without their "of"."""
_NO_KIND = frozenset(("NORP", "GPE", "DATE", "CARDINAL", "LANGUAGE"))
_NAMES = frozenset(("PERSON", "ORG", "GPE", "WORK_OF_ART", "FAC", "LOC", "EVENT"))
_PLACE_WORDS = frozenset(("in", "at", "near", "on", "of"))
_NO_NATION = frozenset(
    (
        *("democrat", "democratic", "republican", "conservative", "labour", "liberal"),
        *("catholic", "protestant", "christian", "orthodox", "anglican", "lutheran"),
        *("jewish", "muslim", "islamic", "buddhist", "hindu"),
    )
)
"""Adjectives that spaCy labels like nationalities: parties and faiths."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """The words around a complement's question: "Who [is] [T] [been]"."""

    subject: Subject
    wh: str
    be: str
    been: str
    rank: float

    def __call__(self, words: str, rest: str = "") -> str:
        return f"{words} {self.be} {self.subject.text} {self.been} {rest}?"


def copula_facts(verb: Token, subject: Subject, *, first: bool = False) -> Iterator[Candidate]:
    """Yields what a form of "be" says of its subject; `first` is the sentence that introduces the topic."""
    inflected = inflect(verb)
    if inflected is None:
        return
    rank = (0.0 if first else 2.0) if subject.is_topic else 3.0
    asking = _Asking(subject, "Who" if subject.is_person else "What", inflected.before, inflected.after, rank)
    complement = next((child for child in children(verb, "attr") if child.i > verb.i), None)
    if complement is None:
        yield from _place_facts(verb, asking)
    elif complement.tag_ not in ("PRP", "EX", "DT", "WP") and complement.ent_type_ not in TIMES:
        yield from _complement_facts(_real_head(complement), asking)


def complement_heads(verb: Token) -> list[Token]:
    """Returns the nouns that a form of "be" equates with its subject."""
    return [noun for child in children(verb, "attr") if child.i > verb.i for noun in conjuncts(_real_head(child))]


def _place_facts(verb: Token, asking: _Asking) -> Iterator[Candidate]:
    """From "The lake is in Italy"."""
    for place in (noun for preposition in children(verb, "prep") for noun in objects_of(preposition)):
        if place.ent_type_ in PLACES:
            rank = 1.0 if asking.subject.is_topic else 3.0
            yield Candidate((asking("Where"),), noun_phrase(place), "where", rank)


def _real_head(head: Token) -> Token:
    """In "one of the largest cities", the cities."""
    if head.lower_ not in ("one", "type", "kind"):
        return head
    nouns = [noun for child in children(head, "prep") if child.lower_ == "of" for noun in objects_of(child)]
    return nouns[0] if nouns else head


def _complement_facts(head: Token, asking: _Asking) -> Iterator[Candidate]:
    heads = conjuncts(head)
    whole = head.doc[modified(head) : heads[-1].i + 1]
    yield from _what_facts(heads, whole, asking)
    yield from _nation_facts(whole, asking)
    for preposition in children(head, "prep"):
        yield from _noun_of_facts(head, preposition, asking)


def _what_facts(heads: list[Token], whole: Span, asking: _Asking) -> Iterator[Candidate]:
    vague = heads[0].lower_ in _VAGUE
    text = whole.text if len(whole) <= _MAX_SPAN and not vague else noun_phrase(heads[0])
    yield Candidate((asking(asking.wh), asking("What")), text, "isa", asking.rank)
    if vague:
        return
    if heads[0].ent_type_ in _NAMES:
        # "Her husband was Pierre Curie" names him, and says not what kind he was of.
        rank = asking.rank + (0.5 if asking.subject.is_topic else -1)
        yield Candidate((asking("Who"), asking("What")), noun_phrase(heads[0]), "poss", rank)
        return
    kinds = [kind for kind in map(_short_kind, heads[:3]) if kind]
    for number, questions in enumerate(_kind_questions(kinds, asking)):
        rank = asking.rank + (2 + number / 4 if number else -0.5)
        yield Candidate(questions, kinds[number], "kind2" if number else "kind", rank)


def _kind_questions(kinds: list[str], asking: _Asking) -> list[tuple[str, ...]]:
    noun = "person" if asking.subject.is_person else "thing"
    known = f"As what {'are' if asking.be in ('are', 'were') else 'is'} {asking.subject.text} known?"
    besides = f"Besides {' and '.join(kinds[:2])}, what"
    questions = [(asking("What"), asking(f"What kind of {noun}"), known), (asking("What else"),), (asking(besides),)]
    return questions[: len(kinds)]


def _short_kind(head: Token) -> str:
    """The noun with at most two modifiers, without nation, place, date or empty praise."""
    start = head.i
    while start > max(modified(head), head.i - 2) and _says_kind(head.doc[start - 1]):
        start -= 1
    named = head.pos_ in ("NOUN", "PROPN") and _says_kind(head)
    return str(head.doc[start : head.i + 1].text) if named else ""


def _says_kind(token: Token) -> bool:
    counts = token.ent_type_ not in _NO_KIND and token.pos_ not in ("DET", "NUM", "PUNCT", "CCONJ")
    return counts and token.lower_ not in _PRAISE


def _nation_facts(whole: Span, asking: _Asking) -> Iterator[Candidate]:
    for token in whole:
        entity = entity_of(token)
        if entity is None or entity.label_ not in ("NORP", "LANGUAGE") or token.lower_ in _NO_NATION:
            continue
        # An "Italian-born French composer" is French.
        if not is_cut(entity):
            yield Candidate((asking("What nationality"),), entity.text, "norp", asking.rank + 1.5)
            return


def _indefinite(noun: Token) -> str:
    return "an " if noun.lower_[0] in "aeiou" else "a "


def _noun_of_facts(head: Token, preposition: Token, asking: _Asking) -> Iterator[Candidate]:
    """From "a N in/of/by X": "Where/Who/What is T the N of?"."""
    article = "" if head.tag_ == "NNS" else "the " if preposition.lower_ == "of" else _indefinite(head)
    noun = f"{article}{head.text}"
    for target in objects_of(preposition):
        answer = noun_phrase(target)
        label = target.ent_type_
        if label in PLACES and preposition.lower_ in _PLACE_WORDS:
            person = asking.subject.is_person
            questions = (asking("Where", noun),) if person else (asking("Where"), asking("Where", "located"))
            yield Candidate(questions, answer, "where", asking.rank + 1)
            if preposition.lower_ != "of" or asking.been:
                continue
        wh = {"PERSON": "Who", "ORG": "Which organization", "DATE": "What year"}.get(label, "What")
        yield Candidate((asking(wh, f"{noun} {preposition.lower_}"),), answer, "isaprep", asking.rank + 1.5)
