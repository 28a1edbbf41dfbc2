"""What stands in brackets: births, deaths, foundings, life spans.

A parser makes nothing of "(born 5 July 1970 in Tampere)" within a sentence, so brackets are taken out before
parsing and the first is read here, with regular expressions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from semoe.augment.parse.candidate import Candidate
from semoe.augment.parse.questions import WHEN, WHERE

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_YEAR = r"(?:c\. ?)?\b\d{3,4}\b"
DATE = re.compile(rf"(?:{_MONTH} \d{{1,2}},? \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}}|{_MONTH} \d{{4}}|{_YEAR})")
_NAME_WORD = r"[^\W\d_a-z][\w'’.-]*"
_PLACE = rf"{_NAME_WORD}(?: (?:(?:of|de|del|di|da|do|la|le|el|the|upon|on|am|an|der|den|y|and) )*{_NAME_WORD})*"
_AFTER_IN = re.compile(rf"\b(?:in|at)\s+({_PLACE})")
_BESIDE_DATE = re.compile(rf"^[\s,]*({_PLACE})\s*,?|,\s*({_PLACE})")
_EVENT = re.compile(r"\b(born|died|founded|established|released|built|opened|formed)\b(.*)", re.DOTALL)
_PARTS = re.compile(r";|,?\s+(?=died\b)")
_DASH = re.compile(r"\s*[–—]+\s*|\s+-+\s+|(?<=\d{3})-\s*(?=[^\W\d]|\d{3}|\d{1,2} )")
_NO_PLACE = re.compile(rf"{_MONTH}|O\.?S\.?|N\.?S\.?|Old Style|New Style|AD|BC|BCE|CE", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Moment:
    place: str | None
    date: str | None


def strip_brackets(text: str) -> tuple[str, str]:
    """Returns the text without bracketed parts, and what stood in the first outermost bracket.

    Brackets in a row, "(née Tocco) (died 1429)", count as one.
    """
    text = re.sub(r"\)\s*\(", "; ", text)
    outside: list[str] = []
    inside: list[str] = []
    depth = closed = 0
    for character in text:
        depth += character == "("
        if not depth:
            outside.append(character)
        elif not closed:
            inside.append(character)
        if character == ")" and depth:
            depth -= 1
            closed += not depth
    plain = " ".join("".join(outside).split())
    return re.sub(r"\s+([,.;])", r"\1", plain), "".join(inside)[1:].removesuffix(")")


def tells_a_life(inside: str) -> bool:
    """Whether a bracket is one that stands behind a person's name."""
    return any(_is_span(part) or re.search(r"\b(?:born|died|née)\b", part) for part in _PARTS.split(inside))


def bracket_facts(inside: str, name: str, *, is_person: bool) -> Iterator[Candidate]:
    """Yields what the bracket behind the title's name says."""
    for part in _PARTS.split(inside):
        event = _EVENT.search(part)
        if event is not None and not _is_span(part):
            yield from _moment_facts(_Asked.of(event[1], name), _moment(event[2]), 0.3, 1.0)
        elif is_person and DATE.search(part):
            yield from _life_facts(part, name)


def _is_span(part: str) -> bool:
    date = DATE.search(part)
    return date is not None and _DASH.search(part, date.end()) is not None


def _life_facts(part: str, name: str) -> Iterator[Candidate]:
    """From "Ghent, 25 Oct 1952 – Paris, 1990", of which the death may be missing."""
    date = DATE.search(part)
    dash = _DASH.search(part, date.end()) if date else None
    born = _moment(_after_verb(part[: dash.start()] if dash else part))
    yield from _moment_facts(_Asked.of("born", name), born, 0.3, 1.0)
    if dash:
        yield from _moment_facts(_Asked.of("died", name), _moment(_after_verb(part[dash.end() :])), 1.0, 1.5)


def _after_verb(text: str) -> str:
    event = _EVENT.search(text)
    return event[2] if event else text


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    statement: str

    @classmethod
    def of(cls, verb: str, name: str) -> "_Asked":
        if verb == "died":
            return cls(f"did {name} die", f"{name} died")
        return cls(f"was {name} {verb}", f"{name} was {verb}")


def _moment_facts(asked: _Asked, moment: _Moment, where: float, when: float) -> Iterator[Candidate]:
    if moment.place:
        questions = tuple(f"{wh} {asked.question}?" for wh in WHERE)
        yield Candidate(questions, moment.place, "where", where, f"{asked.statement} in {moment.place}.")
    if moment.date:
        questions = tuple(f"{wh} {asked.question}?" for wh in WHEN)
        word = "on" if re.search(r"\d{1,2}\D+\d{4}", moment.date) else "in"
        yield Candidate(questions, moment.date, "when", when, f"{asked.statement} {word} {moment.date}.")


def _moment(text: str) -> _Moment:
    """Finds a date, and the place after "in" or beside the date."""
    date = DATE.search(text)
    rest = DATE.sub(" ", text)
    place = _AFTER_IN.search(rest) or (_BESIDE_DATE.search(rest) if date else None)
    named = next((group for group in place.groups() if group), None) if place else None
    if named is not None and (_NO_PLACE.fullmatch(named) or len(named) < 3):
        named = None
    return _Moment(named, date[0] if date else None)
