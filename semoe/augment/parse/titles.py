"""What a passage is about, from its title and opening words: by which names, and since which words.

Called first, before any parse; knows regular expressions only.
"""

import re
from dataclasses import dataclass

MAX_NAME_WORDS = 7
_SMALL = frozenset(("the", "a", "an", "of", "and", "in", "on", "for", "to", "de", "la", "le", "s"))
_BRACKET = re.compile(r"\s*\(([^()]*)\)\s*$")
_OPENING = re.compile(r"(?:The )?([^(,]{2,60}?)\s*(?:\(|,| is | was | are | were )")


@dataclass(frozen=True, slots=True)
class Names:
    """The names of what a passage is about."""

    name: str
    """The title without its bracket."""
    second: str | None
    """Another name that the passage opens with: "Juha Petteri Jokela"."""
    introduced: bool
    """The passage opens with one of the names: it is the start of its article."""

    @property
    def words(self) -> frozenset[str]:
        """The words of the name that stand for it alone: "Leofric" for "Leofric, Earl of Mercia"."""
        return _words(self.name)


def read_names(title: str, text: str) -> Names:
    """Returns the names that a passage's subject goes by."""
    name = without_bracket(title)
    opening = opening_name(text)
    if not name:
        # Files of the published project have no titles.
        return Names(opening or "this", None, opening is not None)
    shares = opening is not None and bool(_words(opening) & _words(name))
    differs = opening is not None and opening != name.removeprefix("The ")
    return Names(name, opening if shares and differs else None, shares)


def without_bracket(title: str) -> str:
    """Returns a title without the bracket that tells namesakes apart: "Hook (film)" is called "Hook"."""
    return " ".join(_BRACKET.sub("", title).split())


def _words(name: str) -> frozenset[str]:
    words = {*name.split(), *re.findall(r"\w+", name)}
    return frozenset(word for word in words if word.lower() not in _SMALL)


def last_noun(phrase: str) -> frozenset[str]:
    """Returns the noun by which a passage may refer to a phrase: "the film", "the team"."""
    return frozenset(phrase.lower().split()[-1:])


def bracket_of(title: str) -> str:
    """Returns what a title's bracket says: "Hook (film)" is a film."""
    bracket = _BRACKET.search(title)
    return str(bracket[1]) if bracket else ""


def opening_name(text: str) -> str | None:
    """Returns what stands before the first bracket, comma or copula, if it may be a name."""
    match = _OPENING.match(text.lstrip(' "“'))
    if match is None or not match[1][:1].isupper():
        return None
    name = " ".join(re.sub(r'["“”]', "", match[1]).split())
    return name if name and len(name.split()) <= MAX_NAME_WORDS else None
