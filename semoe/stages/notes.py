"""A text of a person's own as passages: about 100 words each, at the ends of sentences, titled by their headings."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from semoe.errors import UsageError
from semoe.files import read_text
from semoe.language import Language
from semoe.retrieval.passage import Passage

WORDS = 100
"""Of a passage, as in DPR's corpus (arXiv 2004.04906): its sentences are whole, so it may have a few more."""
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")


def read_notes(paths: Sequence[Path], language: Language) -> list[Passage]:
    """Cuts texts into passages.

    Args:
        paths: files in UTF-8; a blank line ends a paragraph, a line such as `# Title` is the heading of what follows.
        language: finds the sentences.

    Raises:
        UsageError: a file is missing, empty or no text, or has headings alone.
    """
    found: list[Passage] = []
    for path in paths:
        own = list(cut_notes(read_text(path).lstrip("\ufeff"), path.stem, language))
        if not own:
            raise UsageError(f"{path} has no sentence. Give a text.", kind="empty-file")
        found += own
    return found


def cut_notes(text: str, title: str, language: Language) -> Iterator[Passage]:
    """Yields the passages of a text whose first lines, up to a heading, have this title."""
    number = 0
    for heading, body in _sections(text, title):
        for piece in _pieces(body, language):
            yield Passage(id=f"{title}-{number}", text=piece, title=heading)
            number += 1


def _sections(text: str, title: str) -> Iterator[tuple[str, list[str]]]:
    """Yields each heading with its paragraphs."""
    heading = title
    paragraphs: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=#{1,6}\s)|(?<=\n)(?=#{1,6}\s)", text.replace("\r\n", "\n")):
        first, _, rest = block.strip().partition("\n")
        found = _HEADING.fullmatch(first)
        if found:
            yield heading, paragraphs
            heading = found[1]
            paragraphs = []
        paragraphs.append(" ".join((rest if found else block).split()))
    yield heading, paragraphs


def _pieces(paragraphs: Sequence[str], language: Language) -> Iterator[str]:
    """Yields whole sentences until they have about as many words as a passage."""
    words: list[str] = []
    for sentence in (one for text in paragraphs if text for one in _sentences(text, language)):
        own = sentence.split()
        if words and len(words) + len(own) > WORDS:
            yield " ".join(words)
            words = []
        # A sentence that is longer by itself, as a list without stops, is cut.
        while len(own) > WORDS:
            yield " ".join(own[:WORDS])
            own = own[WORDS:]
        words += own
    if words:
        yield " ".join(words)


def _sentences(text: str, language: Language) -> list[str]:
    return [span.of(text).strip() for span in language.sentences(text)]
