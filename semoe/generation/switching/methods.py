"""When to retrieve: every method by its name, and those that retrieve at fixed places or never; a user's own is added.

`fix-…` are FLARE's baselines (arXiv 2305.06983). Those that doubt are in `doubting`, what a method is in `method`.
"""

from typing import ClassVar

from semoe.errors import UsageError
from semoe.generation.switching.doubting import AllTokens, AttnProb, Dragin, Token
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.method import Doubt, Method, MethodContext, OneGo
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language, Span
from semoe.registry import Registry

__all__ = ["Doubt", "Method", "MethodContext", "OneGo", "known_method", "make_method", "methods"]
methods: Registry[type[Method]] = Registry("method")
ALIASES = {"entity": "token"}
"""DRAGIN's name of the published method."""


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


methods.register("token")(Token)
methods.register("all-tokens")(AllTokens)
methods.register("dragin")(Dragin)
methods.register("attn_prob")(AttnProb)


def known_method(name: str) -> str:
    """Returns a method's name here; `entity` is another word for `token`.

    Raises:
        UsageError: there is none of this name.
    """
    known = ALIASES.get(name, name)
    methods[known]
    return known


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
