"""From generated text to a short answer: the published rule, and a repaired one.

The published rule cuts at the first full stop and comma, so dates, initials and numbers can never match; both are
reported side by side.
"""

import re
from collections.abc import Callable

from semoe.normalise import normalise
from semoe.registry import Registry

Extractor = Callable[[str, str], str]
"""(generated text, question) → short answer."""
extractors: Registry[Extractor] = Registry("extraction")
MARKER = "the answer is"
_ABBREVIATED = r"(?<!\b[A-Z])(?<!\bSt)(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bJr)"
_SENTENCE_END = re.compile(_ABBREVIATED + r"\.(?:\s|$)")
_STATEMENT = re.compile(r"(.*?)\b(?:is|was|are|were)\s+(.+)", re.DOTALL)
_LEAD_IN = re.compile(r"(?:(?:also|a|an|the|born|in|on|at|as|known|by)\s+)+", re.IGNORECASE)


@extractors.register("published")
def published(text: str, question: str) -> str:
    """Cuts at the first full stop, then newline, then comma."""
    for mark in (".", "\n", ","):
        text = text.strip().split(mark)[0]
    return text.strip()


@extractors.register("published_cot")
def published_cot(text: str, question: str) -> str:
    """`published`, of what follows the first marker."""
    return published(text.split(MARKER, 1)[-1], question)


@extractors.register("semoe")
def repaired(text: str, question: str) -> str:
    """First sentence (initials do not end it); yes or no; "X is Y" with X from the question gives Y; to a comma."""
    lines = text.split(MARKER, 1)[-1].strip(' :\n"').split("\n")
    sentence = _SENTENCE_END.split(lines[0])[0].strip(" \"'.:")
    if re.match(r"(yes|no)\b", sentence, re.IGNORECASE):
        return sentence.split()[0].strip(",.")
    said = _without_subject(sentence, question)
    return re.split(r",|;| \(", said)[0].strip() or said


def _without_subject(sentence: str, question: str) -> str:
    """Drops "X is" where at least half of X's words stand in the question."""
    match = _STATEMENT.match(sentence)
    if match is None:
        return sentence
    subject = normalise(re.sub(r"\([^)]*\)?", "", match[1])).split()
    asked = set(normalise(question).split())
    if sum(word in asked for word in subject) < len(subject) / 2:
        return sentence
    return _LEAD_IN.sub("", match[2], count=1) if _LEAD_IN.match(match[2]) else match[2]
