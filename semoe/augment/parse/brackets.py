"""What stands in brackets: births, deaths, life spans. Knows regular expressions, no parse."""

import re

from semoe.augment.parse.facts import WHEN, WHERE, Facts

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
)
DATE = rf"(?:{_MONTH} \d{{1,2}}, \d{{4}}|\d{{1,2}} {_MONTH},? \d{{4}}|{_MONTH} \d{{4}}|(?:c\. ?)?\b\d{{4}}\b)"
_PLACE = r"[A-Z][^\W\d]*(?:[ '’-][^\W\d]+)*"
_EVENT = re.compile(r"\b(born|died|founded|established|released|built|opened|formed)\b(.*)")
_SPAN = re.compile(rf"({DATE})(.*?)\s[–—-]+\s*(.*)")


def strip_brackets(text: str) -> tuple[str, str]:
    """Returns the text without bracketed parts, and what stood in the first bracket."""
    first = re.search(r"\(([^()]*)\)", text)
    previous = None
    while previous != text:
        previous, text = text, re.sub(r"\s*\([^()]*\)", "", text)
    return re.sub(r"\s+([,.;])", r"\1", text), first[1] if first else ""


def bracket_facts(facts: Facts, inside: str) -> None:
    """Adds what the bracket behind the title's name says."""
    for part in inside.split(";"):
        event = _EVENT.search(part)
        if event is not None:
            _event_facts(facts, event[1], event[2])
        elif (span := _SPAN.search(part)) is not None:
            _span_facts(facts, part[: span.start()], span)


def _event_facts(facts: Facts, verb: str, rest: str) -> None:
    asked = f"did {facts.title} die" if verb == "died" else f"was {facts.title} {verb}"
    _add_place(facts, asked, rest, 0.3)
    if date := re.search(DATE, rest):
        facts.add(tuple(f"{wh} {asked}?" for wh in WHEN), date[0], "when", 1.0)


def _span_facts(facts: Facts, before: str, span: re.Match[str]) -> None:
    facts.is_person = True
    born, died = f"was {facts.title} born", f"did {facts.title} die"
    facts.add(tuple(f"{wh} {born}?" for wh in WHEN), span[1], "when", 1.0)
    _add_place(facts, born, before if re.search(r"[A-Z]", before) else span[2], 0.3)
    end = re.search(DATE, span[3])
    if end:
        facts.add(tuple(f"{wh} {died}?" for wh in WHEN), end[0], "when", 1.5)
        _add_place(facts, died, span[3][: end.start()] or span[3][end.end() :], 1.0)


def _add_place(facts: Facts, asked: str, text: str, priority: float) -> None:
    """The first name beside a date that is no month."""
    rest = re.sub(DATE, " ", text)
    place = re.search(rf"(?:\b(?:in|at)\s+|^[\s,]*|,\s*)({_PLACE})", rest)
    if place and not re.fullmatch(_MONTH, place[1]):
        facts.add(tuple(f"{wh} {asked}?" for wh in WHERE), place[1], "where", priority)
