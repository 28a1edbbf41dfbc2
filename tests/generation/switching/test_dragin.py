"""DRAGIN's weights, by hand."""

import pytest

from semoe.generation.switching.draft import Draft
from semoe.generation.switching.dragin import meaningful, weighted_words, words_of
from semoe.generation.switching.methods import MethodContext, methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Span
from tests.generation.switching.rigged import LANGUAGE

TEXT = "He sang in Par|is. Then|ce he left."
"""Tokens end at a bar or before a space."""


def draft() -> Draft:
    pieces = ["He", " sang", " in", " Par", "is", ".", " He", " left", "."]
    text, spans = "".join(pieces), list[Span]()
    for piece in pieces:
        start = spans[-1].end if spans else 0
        spans.append(Span(start, start + len(piece)))
    return Draft(
        text=text, tokens=tuple(spans), logprobs=(-1.0,) * 9, entropies=(0.1, 0.2, 0.3, 2.0, 1.0, 0.0, 0.5, 0.6, 0.7),
        attention=(0.1, 0.2, 0.1, 0.3, 0.2, 0.1, 0.5, 0.5, 0.0), is_whole=True,
        sentences=tuple(LANGUAGE.sentences(text)),
    )  # fmt: skip


def test_tokens_join_to_words_at_spaces() -> None:
    assert words_of(draft()) == [[0], [1], [2], [3, 4, 5], [6], [7, 8]]


def test_share_of_attention_times_entropy_times_words_of_the_sentence() -> None:
    found = weighted_words(draft(), Span(0, 17), draft().entropies)
    assert [one.span.of(draft().text) for one in found] == ["He", "sang", "in", "Paris."]
    # Attention 0.1, 0.2, 0.1 and 0.6, of 1.0 in all; entropies 0.1, 0.2, 0.3 and (2 + 1 + 0) / 3; four words.
    assert [one.p for one in found] == pytest.approx([0.04, 0.16, 0.12, 2.4])


def test_the_first_sentence_above_the_threshold_is_doubted() -> None:
    settings = SwitchSettings(method="dragin", query_formulation="current", hallucination_threshold=1.0)
    doubt = methods["dragin"](MethodContext(settings=settings, language=LANGUAGE)).review(draft(), 0)
    assert doubt is not None
    assert (doubt.keep, doubt.sentence) == (0, Span(0, 17))
    assert doubt.value == pytest.approx(2.4)
    assert [hit.span.of(draft().text) for hit in doubt.hits] == ["Paris."]
    assert methods["dragin"](MethodContext(settings=settings, language=LANGUAGE)).review(draft(), 17) is None


def test_check_real_words_shapes_the_query_and_leaves_at_least_one_hit() -> None:
    text = draft().text
    hits = weighted_words(draft(), Span(0, 17), draft().entropies)
    content = LANGUAGE.content_words("He sang in Paris.")
    assert [one.span.of(text) for one in meaningful(hits, text, content)] == ["sang", "Paris."]
    settings = SwitchSettings(
        method="dragin", query_formulation="current", hallucination_threshold=0.03, check_real_words=True
    )
    doubt = methods["dragin"](MethodContext(settings=settings, language=LANGUAGE)).review(draft(), 0)
    assert doubt is not None
    assert [hit.span.of(text) for hit in doubt.hits] == ["sang", "Paris."]


def test_attn_prob_weighs_by_the_probability_of_what_was_written() -> None:
    """All log-probabilities are -1: a word's value is its share of the attention times the words of the sentence."""
    settings = SwitchSettings(method="attn_prob", query_formulation="current", hallucination_threshold=2.0)
    doubt = methods["attn_prob"](MethodContext(settings=settings, language=LANGUAGE)).review(draft(), 0)
    assert doubt is not None
    assert [one.p for one in doubt.mentions] == pytest.approx([0.4, 0.8, 0.4, 2.4])
    assert [hit.span.of(draft().text) for hit in doubt.hits] == ["Paris."]
