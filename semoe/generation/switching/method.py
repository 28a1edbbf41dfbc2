"""What a method is: it looks at a draft and says what of it is in doubt.

A method either accepts all of a draft (None) or says how much to keep and what is in doubt. It generates nothing,
retrieves nothing and knows no expert.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.uncertainty import Mention
from semoe.language import Language, Span
from semoe.language.english import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why a draft is not accepted as it is.

    Example:
        >>> import semoe
        >>> from semoe.language import Span
        >>> semoe.Doubt(keep=10, sentence=Span(10, 42)).until
        42
    """

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
    trusts_rest: ClassVar[bool]
    """Whether `after_retrieval` may accept all that is written after a retrieval."""
    asks_with_sentence: ClassVar[bool]
    """Whether the query formulation forward_all ends with the doubted sentence."""
    can_doubt: ClassVar[bool]
    """Whether it may retrieve again once it has begun to write."""
    reviews_sentences: ClassVar[bool]
    """Whether a sentence may be reviewed as soon as it has ended, whatever is written behind it."""

    def __init__(self, context: MethodContext) -> None: ...

    @property
    def reads(self) -> tuple[Kind, ...]:
        """What it reads off each sentence, so that it is read ahead: a kind where those before it found nothing."""
        ...

    def draft_length(self) -> int:
        """Returns the tokens of a draft."""
        ...

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Judges a draft, whose first `trusted` characters are accepted already; None: it is good to its end."""
        ...


class OneGo:
    """Writes an answer in one go: the base of other methods, also of your own (docs/switching.md).

    Override `review`, which is asked whenever a draft is written, and register the class under a name.

    Example:
        >>> import semoe
        >>> @semoe.methods.register("never-sure")
        ... class NeverSure(semoe.OneGo):
        ...     def review(self, draft, trusted):
        ...         left = [one for one in draft.sentences if one.end > trusted]
        ...         return semoe.Doubt(keep=left[0].end, sentence=left[0]) if left else None
        >>> semoe.SwitchSettings(method="never-sure").method
        'never-sure'
    """

    formulations: ClassVar[tuple[str, ...]] = ("direct",)
    asks_first: ClassVar[bool] = False
    looks_at_attention: ClassVar[bool] = False
    trusts_next_sentence: ClassVar[bool] = False
    trusts_rest: ClassVar[bool] = False
    asks_with_sentence: ClassVar[bool] = False
    can_doubt: ClassVar[bool] = True
    reviews_sentences: ClassVar[bool] = False

    def __init__(self, context: MethodContext) -> None:
        self.settings = context.settings
        self.language = context.language

    @property
    def reads(self) -> tuple[Kind, ...]:
        """Nothing."""
        return ()

    def draft_length(self) -> int:
        """All that is left of the answer."""
        return self.settings.generate_max_length

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Accepts everything."""
        return None
