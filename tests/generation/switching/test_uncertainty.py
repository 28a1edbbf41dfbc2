"""The published formulas, by hand."""

import math

import pytest

from semoe.generation.request import Answer
from semoe.generation.switching.draft import Draft, make_draft
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.uncertainty import Mention, mention_of, mentions_of, uncertainty
from semoe.language import Language, Span

LANGUAGE = Language()


def draft(text: str, cuts: list[int], logprobs: list[float]) -> Draft:
    """A draft whose tokens end at these characters."""
    spans = tuple(Span(start, end) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return Draft(
        text=text, tokens=spans, logprobs=tuple(logprobs), entropies=(), attention=(), is_whole=True,
        sentences=tuple(LANGUAGE.sentences(text)),
    )  # fmt: skip


@pytest.mark.parametrize(("solver", "p"), [("avg", 0.650), ("min", 0.865), ("first", 0.865), ("max", 0.095)])
def test_the_published_vector(solver: str, p: float) -> None:
    """One entity, log-probabilities −2.0 and −0.1."""
    found = mention_of(draft("New York", [3], [-2.0, -0.1]), Span(0, 8), solver)
    assert found is not None
    assert found.p == pytest.approx(p, abs=5e-4)


def test_the_average_is_one_minus_the_geometric_mean() -> None:
    found = mention_of(draft("a b c", [1, 3], [math.log(0.5), math.log(0.25), math.log(0.125)]), Span(0, 5), "avg")
    assert found is not None
    assert found.p == pytest.approx(1 - 0.25)


@pytest.mark.parametrize(("solver", "value"), [("avg", 0.5), ("max", 0.9), ("min", 0.1)])
def test_a_sentence_from_its_mentions(solver: str, value: float) -> None:
    mentions = [Mention(Span(0, 1), 0.1), Mention(Span(1, 2), 0.5), Mention(Span(2, 3), 0.9)]
    assert uncertainty(mentions, solver) == pytest.approx(value)
    assert uncertainty([], solver) == 0.0


def test_tokens_that_only_touch_a_name_do_not_count() -> None:
    whole = draft("In Paris today", [2, 8], [-5.0, -1.0, -7.0])
    (found,) = mentions_of(whole, Span(0, 14), LANGUAGE, SwitchSettings(entityless="skip"))[:1]
    assert found.span.of(whole.text) == "Paris"
    assert found.p == pytest.approx(1 - math.exp(-1.0))


def test_a_sentence_without_names_is_skipped_or_looked_at_by_its_content_words() -> None:
    whole = draft("the cat sleeps", [3, 7], [-1.0, -2.0, -3.0])
    assert mentions_of(whole, Span(0, 14), LANGUAGE, SwitchSettings(entityless="skip")) == []
    found = mentions_of(whole, Span(0, 14), LANGUAGE, SwitchSettings(entityless="tokens"))
    assert [one.span.of(whole.text) for one in found] == ["cat", "sleeps"]


@pytest.mark.parametrize("solver", ["avg", "max", "min", "first"])
def test_what_is_not_finite_does_not_count(solver: str) -> None:
    """A name whose tokens have no usable probability is left out instead of spoiling the sentence."""
    whole = draft("New York", [3], [math.nan, -0.5])
    found = mention_of(whole, Span(0, 8), solver)
    assert found is not None
    assert found.p == pytest.approx(1 - math.exp(-0.5))
    assert mention_of(draft("New York", [3], [math.nan, -math.inf]), Span(0, 8), solver) is None


class Bytes:
    """A tokenizer whose tokens are single bytes, so that one character may be several tokens."""

    def decode(self, ids: "list[int]") -> str:
        return bytes(ids).decode(errors="replace")


def test_a_character_of_several_tokens_belongs_to_each_of_them() -> None:
    """The first, deciding token of a name in another script counts."""
    ids = list("Łódź".encode())
    answer = Answer(tokens=tuple(ids[2:]), logprobs=(-1.0,) * (len(ids) - 2), finish="length")
    made = make_draft(Bytes().decode, ids[:2], answer)
    assert made.text == "ódź"
    assert [span.of(made.text) for span in made.tokens] == ["ó", "ó", "d", "ź", "ź"]
    assert made.tokens_in(Span(0, 1)) == [0, 1]
    assert made.num_tokens_until(1) == 2
    assert not made.is_whole
