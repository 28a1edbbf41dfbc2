"""When each method retrieves, on drafts written by hand; and what a draft knows of its tokens."""

import math
from dataclasses import replace

import pytest

from semoe.errors import UsageError
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.methods import Doubt, MethodContext, known_method, methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Span
from tests.generation.switching.rigged import LANGUAGE

TEXT = "Ada was in Paris. Rome is old."


def draft(text: str = TEXT, *, is_whole: bool = True, unsure: tuple[str, ...] = ()) -> Draft:
    """One token a word; the model was sure of all words but those named."""
    spans, at = list[Span](), 0
    for word in text.split(" "):
        spans.append(Span(max(0, at - 1), at + len(word)))
        at += len(word) + 1
    logprobs = tuple(-2.0 if any(name in span.of(text) for name in unsure) else -0.01 for span in spans)
    return Draft(
        text=text, tokens=tuple(spans), logprobs=logprobs, entropies=(), attention=(), is_whole=is_whole,
        sentences=tuple(LANGUAGE.sentences(text)),
    )  # fmt: skip


def review(method: str, made: Draft, trusted: int = 0, **settings: object) -> Doubt | None:
    kind = methods[method]
    given = SwitchSettings(method=method, query_formulation=kind.formulations[0], **settings)  # type: ignore[arg-type]
    return kind(MethodContext(settings=given, language=LANGUAGE)).review(made, trusted)


def test_methods_that_do_not_doubt_accept_everything() -> None:
    for method in ("non-retrieval", "single-retrieval"):
        assert review(method, draft(unsure=("Paris",), is_whole=False)) is None


def test_fix_length_goes_on_until_the_model_ends() -> None:
    assert review("fix-length-retrieval", draft()) is None
    doubt = review("fix-length-retrieval", draft(is_whole=False))
    assert doubt == Doubt(keep=len(TEXT), sentence=Span(0, len(TEXT)))


def test_fix_sentence_keeps_the_first_while_another_follows() -> None:
    assert review("fix-sentence-retrieval", draft()) == Doubt(keep=17, sentence=Span(0, 17))
    assert review("fix-sentence-retrieval", draft("Ada was in Paris.")) is None


def test_token_doubts_the_first_sentence_above_the_threshold_and_names_what_is_above_it() -> None:
    doubt = review("token", draft(unsure=("Paris",)), sentence_solver="max")
    assert doubt is not None
    assert (doubt.keep, doubt.sentence) == (0, Span(0, 17))
    assert [hit.span.of(TEXT) for hit in doubt.hits] == ["Paris"]
    assert [one.span.of(TEXT) for one in doubt.mentions] == ["Ada", "Paris"]
    assert doubt.value == pytest.approx(1 - 2.718281828**-2)
    second = review("token", draft(unsure=("Rome",)))
    assert second is not None
    assert (second.keep, second.sentence) == (18, Span(18, len(TEXT)))


def test_all_tokens_looks_at_every_token_of_a_sentence() -> None:
    """DRAGIN's `token`: a word that is no name counts as well; the query is what was written with certainty."""
    doubt = review("all-tokens", draft(unsure=("was",)), sentence_solver="max")
    assert doubt is not None
    assert [one.span.of(TEXT) for one in doubt.mentions] == ["Ada", "was", "in", "Paris."]
    assert [hit.span.of(TEXT) for hit in doubt.hits] == ["was"]
    assert review("token", draft(unsure=("was",)), sentence_solver="max") is None
    assert review("all-tokens", draft(unsure=("was",)), hallucination_threshold=0.23) is None, "0.22 on average"


def test_a_token_without_a_finite_probability_is_not_looked_at() -> None:
    made = replace(draft(), logprobs=(-math.inf, *draft().logprobs[1:]))
    assert review("all-tokens", made, sentence_solver="max") is None


def test_entity_is_another_word_for_token() -> None:
    assert [known_method(name) for name in ("entity", "token", "dragin")] == ["token", "token", "dragin"]
    with pytest.raises(UsageError, match="Did you mean 'attn_prob'"):
        known_method("attn_prop")


def test_what_is_exactly_at_the_threshold_is_not_above_it() -> None:
    both = draft(unsure=("Ada", "Paris"))
    at = 1 - math.exp(-2.0)
    assert review("token", both, sentence_solver="max", hallucination_threshold=at) is None
    more = replace(both, logprobs=(-2.0, -0.01, -0.01, -3.0, *both.logprobs[4:]))
    doubt = review("token", more, sentence_solver="max", hallucination_threshold=at)
    assert doubt is not None
    assert [hit.span.of(TEXT) for hit in doubt.hits] == ["Paris"]


def test_dragin_wants_a_word_above_its_threshold() -> None:
    """Of two words that share the attention evenly, each is worth its entropy."""
    made = replace(draft("Paris sleeps."), entropies=(1.5, 0.5), attention=(0.5, 0.5), sentences=(Span(0, 13),))
    assert review("dragin", made, hallucination_threshold=1.5) is None
    doubt = review("dragin", made, hallucination_threshold=1.4)
    assert doubt is not None
    assert (doubt.value, [hit.span.of(made.text) for hit in doubt.hits]) == (1.5, ["Paris"])
    assert review("dragin", made, 13, hallucination_threshold=1.4) is None
    assert review("dragin", made, 12, hallucination_threshold=1.4) == doubt
    unseen = replace(made, attention=(0.0, 0.0))
    assert review("dragin", unseen, hallucination_threshold=0.1) is None


def test_what_is_trusted_is_not_doubted_again() -> None:
    unsure = draft(unsure=("Paris", "Rome"))
    for trusted, keep in ((0, 0), (16, 0), (17, 18)):
        doubt = review("token", unsure, trusted)
        assert doubt is not None
        assert doubt.keep == keep
    assert review("token", unsure, len(TEXT)) is None


def test_drafts_are_as_long_as_the_method_says() -> None:
    settings = SwitchSettings(fix_length=5, generate_max_length=50)
    lengths = {
        name: methods[name](MethodContext(settings=settings, language=LANGUAGE)).draft_length() for name in methods
    }
    assert lengths.pop("fix-length-retrieval") == 5
    assert set(lengths.values()) == {50}


def test_which_methods_ask_first_look_at_attention_and_trust() -> None:
    def having(fact: str) -> set[str]:
        return {name for name in methods if getattr(methods[name], fact)}

    assert having("asks_first") == {"single-retrieval", "fix-length-retrieval", "fix-sentence-retrieval"}
    assert having("looks_at_attention") == having("trusts_next_sentence") == {"dragin", "attn_prob"}
    assert having("trusts_rest") == {"token", "all-tokens"}
    assert set(methods) - having("can_doubt") == {"non-retrieval", "single-retrieval"}


def test_tokens_of_a_span_share_a_character_and_those_until_an_end_lie_before_it() -> None:
    made = draft()
    assert made.tokens_in(Span(11, 16)) == [3]
    assert made.tokens_in(Span(10, 12)) == [3]
    assert made.tokens_in(Span(9, 11)) == [2, 3]
    assert [made.num_tokens_until(end) for end in (0, 2, 3, 16, 17, 18, len(TEXT), 99)] == [0, 0, 1, 3, 4, 4, 7, 7]


@pytest.mark.parametrize(("ratio", "is_one"), [(0.0, False), (0.01, True), (1.0, True), (1.01, False)])
def test_a_share_of_words_is_above_none_and_at_most_all(ratio: float, is_one: bool) -> None:
    if is_one:
        assert SwitchSettings(retrieve_keep_ratio=ratio).retrieve_keep_ratio == ratio
    else:
        with pytest.raises(UsageError, match="retrieve_keep_ratio"):
            SwitchSettings(retrieve_keep_ratio=ratio)


@pytest.mark.parametrize(
    "name", ["retrieve_topk", "retrieve_keep_top_k", "fix_length", "generate_max_length", "max_switches"]
)
def test_counts_are_one_or_more(name: str) -> None:
    SwitchSettings(**{name: 1})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=name):
        SwitchSettings(**{name: 0})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="entityless"):
        SwitchSettings(entityless="no")
