"""When to retrieve: each method as one small class, to be held against its paper; a registry takes a user's own.

A method looks at a draft and either accepts all of it (None) or says how much to keep and what is in doubt. It
generates nothing, retrieves nothing and knows no expert. `token` is the published one, called `entity` in
DRAGIN's code; `fix-…` are FLARE's baselines (arXiv 2305.06983); `dragin` is arXiv 2403.10081.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from semoe.errors import UsageError
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.dragin import meaningful, weighted_words
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.uncertainty import Mention, mentions_of, uncertainty
from semoe.language import Language, Span
from semoe.language.english import Kind
from semoe.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why a draft is not accepted as it is."""

    keep: int
    """Characters of the draft, from its beginning, that are accepted."""
    sentence: Span
    """What is doubted; for the methods that retrieve at fixed places, what was written last."""
    hits: tuple[Mention, ...] = ()
    """The names or words that made it so."""
    mentions: tuple[Mention, ...] = ()
    """All that were looked at."""
    value: float = 0.0
    """How doubtful the sentence is; what the threshold is held against."""

    @property
    def until(self) -> int:
        """The character up to which the draft is judged once the doubt was acted upon."""
        return max(self.keep, self.sentence.end)


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodContext:
    """What methods work with."""

    settings: SwitchSettings
    language: Language


class Method(Protocol):
    """Decides when to retrieve."""

    formulations: ClassVar[tuple[str, ...]]
    """The query formulations that make sense with it."""
    asks_first: ClassVar[bool]
    """Whether it retrieves with the question before anything is written."""
    looks_at_attention: ClassVar[bool]
    """Whether drafts need attention and entropies."""
    trusts_next_sentence: ClassVar[bool]
    """Whether the first sentence after a retrieval is accepted as it comes."""
    asks_with_sentence: ClassVar[bool]
    """Whether the query formulation forward_all ends with the doubted sentence."""
    can_doubt: ClassVar[bool]
    """Whether it may retrieve again once it has begun to write."""
    reviews_sentences: ClassVar[bool]
    """Whether a sentence may be reviewed as soon as it has ended, whatever is written behind it."""
    reads: ClassVar[tuple[Kind, ...]]
    """What it reads off each sentence, so that it is read ahead; it may read more."""

    def __init__(self, context: MethodContext) -> None: ...

    def draft_length(self) -> int:
        """Returns the tokens of a draft."""
        ...

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Judges a draft, whose first `trusted` characters are accepted already; None: it is good to its end."""
        ...


methods: Registry[type[Method]] = Registry("method")


class OneGo:
    """Writes an answer in one go: the base of the methods below."""

    formulations: ClassVar[tuple[str, ...]] = ("direct",)
    asks_first: ClassVar[bool] = False
    looks_at_attention: ClassVar[bool] = False
    trusts_next_sentence: ClassVar[bool] = False
    asks_with_sentence: ClassVar[bool] = False
    can_doubt: ClassVar[bool] = True
    reviews_sentences: ClassVar[bool] = False
    reads: ClassVar[tuple[Kind, ...]] = ()

    def __init__(self, context: MethodContext) -> None:
        self.settings = context.settings
        self.language = context.language

    def draft_length(self) -> int:
        """All that is left of the answer."""
        return self.settings.generate_max_length

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Accepts everything."""
        return None


@methods.register("non-retrieval")
class NonRetrieval(OneGo):
    """Never retrieves."""

    can_doubt = False


@methods.register("single-retrieval")
class SingleRetrieval(OneGo):
    """Retrieves once, with the question."""

    asks_first = True
    can_doubt = False


@methods.register("fix-length-retrieval")
class FixLength(OneGo):
    """Retrieves with the question, then every `fix_length` tokens with what was written last."""

    formulations: ClassVar[tuple[str, ...]] = ("direct", "forward_all", "last_sentence", "last_n_tokens")
    asks_first = True

    def draft_length(self) -> int:
        """One stretch."""
        return self.settings.fix_length

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Goes on until the model ends the answer."""
        return None if draft.is_whole else Doubt(keep=len(draft.text), sentence=Span(0, len(draft.text)))


@methods.register("fix-sentence-retrieval")
class FixSentence(OneGo):
    """Retrieves with the question, then after every sentence with that sentence."""

    formulations: ClassVar[tuple[str, ...]] = ("direct", "forward_all", "last_sentence", "last_n_tokens")
    asks_first = True

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Keeps the first sentence while another one follows."""
        left = [sentence for sentence in draft.sentences if sentence.end > trusted]
        if len(left) < 2:
            return None
        first = left[0]
        return Doubt(keep=first.end, sentence=first)


@methods.register("token")
class Token(OneGo):
    """Retrieves when the names in a sentence were written with too little certainty."""

    asks_with_sentence = True
    reviews_sentences = True
    reads: ClassVar[tuple[Kind, ...]] = ("entities",)
    formulations: ClassVar[tuple[str, ...]] = (
        "forward_all",
        "direct",
        "current",
        "current_wo_wrong",
        "last_sentence",
        "last_n_tokens",
    )

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Doubts the first sentence above the threshold."""
        threshold = self.settings.hallucination_threshold
        for sentence in draft.sentences:
            if sentence.end <= trusted:
                continue
            mentions = mentions_of(draft, sentence, self.language, self.settings)
            value = uncertainty(mentions, self.settings.sentence_solver)
            if value > threshold:
                hits = tuple(one for one in mentions if one.p > threshold)
                return Doubt(keep=sentence.start, sentence=sentence, hits=hits, mentions=tuple(mentions), value=value)
        return None


@methods.register("dragin")
class Dragin(OneGo):
    """Retrieves when a word was written with doubt, others lean on it, and it carries meaning."""

    formulations: ClassVar[tuple[str, ...]] = (
        "real_words",
        "current",
        "current_wo_wrong",
        "forward_all",
        "last_sentence",
        "last_n_tokens",
    )
    looks_at_attention = True
    trusts_next_sentence = True
    reviews_sentences = True

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Doubts the first sentence with a word above the threshold."""
        for sentence in draft.sentences:
            if sentence.end <= trusted:
                continue
            words = weighted_words(draft, sentence)
            hits = [word for word in words if word.p > self.settings.hallucination_threshold]
            if hits:
                return self._doubt(draft, sentence, words, hits)
        return None

    def _doubt(self, draft: Draft, sentence: Span, words: list[Mention], hits: list[Mention]) -> Doubt:
        """`check_real_words` shapes the query, not the decision, as published; where it leaves no hit, all stay."""
        value = max(word.p for word in hits)
        if self.settings.check_real_words:
            content = self.language.content_words(sentence.of(draft.text))
            real = meaningful(hits, draft.text, [word.moved(sentence.start) for word in content])
            hits = real or hits
        return Doubt(keep=sentence.start, sentence=sentence, hits=tuple(hits), mentions=tuple(words), value=value)


def make_method(settings: SwitchSettings, language: Language) -> Method:
    """Returns the method of the settings.

    Raises:
        UsageError: no such method, or a query formulation that makes no sense with it.
    """
    kind = methods[settings.method]
    if settings.query_formulation not in kind.formulations:
        raise UsageError(
            f"query_formulation {settings.query_formulation!r} makes no sense with method {settings.method}. "
            f"It has: {', '.join(kind.formulations)}.",
            kind="bad-value",
        )
    return kind(MethodContext(settings=settings, language=language))
