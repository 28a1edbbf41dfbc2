"""The methods that retrieve when the model is in doubt, to be held against their papers.

`Token` is the published one, called `entity` in DRAGIN's code; `AllTokens` is what is called `token` there. `Dragin` is
arXiv 2403.10081, `AttnProb` its variant in that code.
"""

from collections.abc import Sequence
from typing import ClassVar

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.dragin import meaningful, weighted_words
from semoe.generation.switching.method import Doubt, OneGo
from semoe.generation.switching.uncertainty import Mention, mentions_of, tokens_of, uncertainty
from semoe.language import Span
from semoe.language.english import Kind


class Token(OneGo):
    """Retrieves when the names in a sentence were written with too little certainty."""

    trusts_rest = True
    asks_with_sentence = True
    reviews_sentences = True
    formulations: ClassVar[tuple[str, ...]] = (
        "forward_all",
        "direct",
        "current",
        "current_wo_wrong",
        "last_sentence",
        "last_n_tokens",
    )

    @property
    def reads(self) -> tuple[Kind, ...]:
        """Names; where a sentence has none, its content words, if the settings say so."""
        return ("entities", "content_words") if self.settings.entityless == "tokens" else ("entities",)

    def mentions(self, draft: Draft, sentence: Span) -> list[Mention]:
        """Returns what of a sentence is looked at."""
        return mentions_of(draft, sentence, self.language, self.settings)

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Doubts the first sentence above the threshold."""
        threshold = self.settings.hallucination_threshold
        for sentence in draft.sentences:
            if sentence.end <= trusted:
                continue
            mentions = self.mentions(draft, sentence)
            value = uncertainty(mentions, self.settings.sentence_solver)
            if value > threshold:
                hits = tuple(one for one in mentions if one.p > threshold)
                return Doubt(keep=sentence.start, sentence=sentence, hits=hits, mentions=tuple(mentions), value=value)
        return None


class AllTokens(Token):
    """Retrieves when all tokens of a sentence, names or not, were written with too little certainty."""

    asks_with_sentence = False
    formulations: ClassVar[tuple[str, ...]] = (
        "direct",
        "forward_all",
        "current",
        "current_wo_wrong",
        "last_sentence",
        "last_n_tokens",
    )

    @property
    def reads(self) -> tuple[Kind, ...]:
        """Nothing: tokens are known."""
        return ()

    def mentions(self, draft: Draft, sentence: Span) -> list[Mention]:
        """Returns every token."""
        return tokens_of(draft, sentence)


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

    def weights(self, draft: Draft) -> Sequence[float]:
        """Returns how unsure the model was of each token: the entropy of what it might have written."""
        return draft.entropies

    def review(self, draft: Draft, trusted: int) -> Doubt | None:
        """Doubts the first sentence with a word above the threshold."""
        for sentence in draft.sentences:
            if sentence.end <= trusted:
                continue
            words = weighted_words(draft, sentence, self.weights(draft))
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


class AttnProb(Dragin):
    """The same with the probability of what was written, in place of the entropy of what might have been."""

    def weights(self, draft: Draft) -> Sequence[float]:
        """Returns minus each token's log-probability."""
        return [-one for one in draft.logprobs]
