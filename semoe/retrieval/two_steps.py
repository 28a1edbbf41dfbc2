"""Retrieval in two steps: names that stand in the question and in the first passages are asked again.

"Who is the mother of the director of film X?" finds X, whose passage names its director, whose own passage names the
mother. No language model is asked. A name is a run of capitalised words, so texts of scripts without capitals find what
one step finds. It counts the more, the more of the question's words stand around it; what is found for it counts where
its title is that name.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from semoe.normalise import normalise
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.passage_file import id_order
from semoe.retrieval.retriever import Retriever

LOOKED_AT = 3
"""First passages whose names are asked."""
NAMES = 12
"""Names that are asked for a question."""
NEAR = 5
"""Passages that are looked at for a name: one of them may have it as its title."""
DEPTH = 20
"""Passages of the first step, at least."""
BEFORE, BEHIND = 60, 30
"""Characters around a name whose words are compared with the question's."""
OFFSET = 10
"""How little the first ranks count above the later ones; fusion's 60 would leave a step's order to chance."""
OWN = 2.0
"""What a name of the question itself counts: as much as one with two of its words around it."""
SHORTEST = 4
"""Letters of a name; shorter ones are articles and initials."""
# A full stop belongs to a name between capitals, and behind an initial or an abbreviation of two letters.
_REST = r"(?:[\w'\u2019-]|\.(?=[A-Z]))*(?:(?<=\b[A-Z])\.|(?<=\b[A-Z][a-z])\.|(?<=\.[A-Z])\.)?"
_WORD = rf"[A-Z]{_REST}"
_SMALL = r"(?:of|the|de|la|von|van|and|&|in|del|di|der|al|da|du|le|for|on)"
_NAME = re.compile(rf"\b{_WORD}(?:\s+(?:{_SMALL}\s+)*[A-Z0-9]{_REST})*")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been by did do does film for from had has have he her his how in is it its of on or "
        "same she that the their this to was were what when where which who whom whose with",
    )
)
STEM = 5
"""Letters of a word that count: a stemmer keeps "director" and "directed" apart."""
_BRACKETS = re.compile(r"\(.*\)")
_MARKS = " .,'\u2019-"


class Name(NamedTuple):
    """A name to ask for."""

    text: str
    weight: float
    """How many of the question's words stand around it, less the later its passage came."""


class TwoSteps:
    """A `Retriever` over another one."""

    def __init__(self, base: Retriever) -> None:
        self._base = base
        self.num_passages: int | None = getattr(base, "num_passages", None)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        first = self._base.search(queries, max(k, DEPTH))
        names = [names_of(query, hits[:LOOKED_AT]) for query, hits in zip(queries, first, strict=True)]
        asked = [name.text for own in names for name in own]
        found = iter(self._base.search(asked, NEAR) if asked else [])
        # Of an article's passages the one that the question finds is nearer than the one that its name finds.
        second = [
            [_titled(name, [*hits, *next(found)]) for name in own] for hits, own in zip(first, names, strict=True)
        ]
        return [_merged(hits, own, passages, k) for hits, own, passages in zip(first, names, second, strict=True)]


def names_of(question: str, hits: Sequence[Retrieved]) -> list[Name]:
    """Returns the names of a question and of its first passages, the most promising first."""
    found = {normalise(name): Name(name, OWN) for name, _ in _names(question)}
    words = _words(question)
    for hit in hits:
        text, title = hit.passage.text, f" {normalise(hit.passage.title)} "
        for name, at in _names(text):
            key = normalise(name)
            around = text[max(0, at - BEFORE) : at + len(name) + BEHIND]
            if key not in found and f" {key} " not in title:
                found[key] = Name(name, len(_words(around) & words) / (1 + hit.rank))
    real = [name for key, name in found.items() if len(key) >= SHORTEST]
    return sorted(real, key=lambda name: -name.weight)[:NAMES]


def _names(text: str) -> Iterator[tuple[str, int]]:
    """Yields each name, without the marks around it, and where it begins."""
    return ((one.group().rstrip(_MARKS), one.start()) for one in _NAME.finditer(text))


def _words(text: str) -> set[str]:
    return {word[:STEM] for word in re.findall(r"\w+", text.lower()) if word not in _STOP}


def _titled(name: Name, hits: Sequence[Retrieved]) -> Passage | None:
    """Returns the first passage whose title is a name, with or without what stands behind it in brackets."""
    key = normalise(name.text)
    titles = ((hit.passage, hit.passage.title) for hit in hits)
    return next((one for one, title in titles if key in (normalise(title), normalise(_BRACKETS.sub("", title)))), None)


def _merged(
    hits: Sequence[Retrieved], names: Sequence[Name], passages: Sequence[Passage | None], k: int
) -> list[Retrieved]:
    scores: dict[str, float] = defaultdict(float)
    there = {hit.passage.id: hit.passage for hit in hits}
    for hit in hits:
        scores[hit.passage.id] += 1 / (OFFSET + hit.rank)
    titled = [(name, passage) for name, passage in zip(names, passages, strict=True) if passage]
    for rank, (name, passage) in enumerate(titled):
        there[passage.id] = passage
        # A name with none of the question's words around it is a guess.
        scores[passage.id] += (1.0 if name.weight else 0.5) / (OFFSET + 1 + rank)
    order = sorted(scores, key=lambda one: (-scores[one], id_order(one)))
    return [Retrieved(there[one], scores[one], rank) for rank, one in enumerate(order[:k])]
