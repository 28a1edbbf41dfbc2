"""One process that reads texts for another: `python -m semoe.language.reader`, a line of JSON in and one out.

Run by `readers`.
"""

import json
import os
import sys
from collections.abc import Iterable
from typing import IO, NamedTuple

from semoe.language.english import Kind, Language, Span


class Ask(NamedTuple):
    """A draft's text, and what will be wanted of it."""

    text: str
    since: int
    """Sentences up to this character are not looked at again."""
    is_whole: bool
    """Whether its last sentence has ended."""
    kinds: tuple[Kind, ...]
    """What is read off each sentence, read alone: a kind where those before it found nothing."""


class Reading(NamedTuple):
    """What was read off a text, and off its sentences."""

    sentences: tuple[Span, ...]
    found: tuple[tuple[Kind, str, tuple[Span, ...]], ...]
    """Kind, sentence, and where in the sentence."""

    def line(self) -> str:
        """Returns it as JSON."""
        return json.dumps(self)

    @classmethod
    def of_line(cls, line: str) -> "Reading":
        """Reads JSON."""
        sentences, found = json.loads(line)
        return cls(_spans(sentences), tuple((kind, text, _spans(spans)) for kind, text, spans in found))


def read(language: Language, ask: Ask) -> Reading:
    """Reads a text."""
    sentences = tuple(language.sentences(ask.text))
    ended = sentences if ask.is_whole else sentences[:-1]
    judged = [one.of(ask.text) for one in ended if one.end > ask.since]
    return Reading(sentences, tuple(found for text in judged for found in _read_off(language, text, ask.kinds)))


def _read_off(language: Language, text: str, kinds: Iterable[Kind]) -> Iterable[tuple[Kind, str, tuple[Span, ...]]]:
    for kind in kinds:
        spans = tuple(getattr(language, kind)(text))
        yield kind, text, spans
        if spans:
            return


def serve(lines: Iterable[str], out: IO[str]) -> None:
    """Answers line by line, to the end of the lines; remembers nothing, which is for who asks."""
    language = Language()
    language.sentences("The parser is loaded before anybody asks.")
    for line in lines:
        language.forget()
        print(read(language, Ask(*json.loads(line))).line(), file=out, flush=True)


def _spans(pairs: Iterable[Iterable[int]]) -> tuple[Span, ...]:
    return tuple(Span(*pair) for pair in pairs)


if __name__ == "__main__":
    # spaCy imports torch where it is there: seconds and hundreds of megabytes that no reader needs.
    sys.modules["torch"] = None  # type: ignore[assignment]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # whatever a library prints is no answer
        serve(sys.stdin, answers)
