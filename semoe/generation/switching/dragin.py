"""DRAGIN's sign of doubt (arXiv 2403.10081): entropy × attention × meaning.

A word's value is its share of the attention that its sentence receives, times its weight, times the number of the
sentence's words. The weight is its entropy, for `attn_prob` minus its log-probability. Attention is taken while the
answer is generated, in the last layer: the most that any later token gave to a token, averaged over heads; only shares
within a sentence count.
"""

from collections.abc import Sequence
from statistics import fmean

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.uncertainty import Mention
from semoe.language import Span


def words_of(draft: Draft) -> list[list[int]]:
    """Groups tokens into words: a new one begins at the first token and at one that begins with a space."""
    words = list[list[int]]()
    for number, span in enumerate(draft.tokens):
        if not words or span.of(draft.text)[:1].isspace():
            words.append([])
        words[-1].append(number)
    return words


def weighted_words(draft: Draft, sentence: Span, weights: Sequence[float]) -> list[Mention]:
    """Returns every word of a sentence with its value; `weights` are the tokens'."""
    inside = set(draft.tokens_in(sentence))
    words = [word for word in words_of(draft) if inside.intersection(word)]
    attention = [sum(draft.attention[number] for number in word) for word in words]
    total = sum(attention)
    if not total:
        return []
    return [
        Mention(draft.span_of(word), share / total * fmean(weights[number] for number in word) * len(words))
        for word, share in zip(words, attention, strict=True)
    ]


def meaningful(mentions: Sequence[Mention], text: str, content: Sequence[Span]) -> list[Mention]:
    """Returns the mentions that hold one of the sentence's content words, as `check_real_words` wants."""
    real = [word.of(text) for word in content]
    return [one for one in mentions if any(word in one.span.of(text) for word in real)]
