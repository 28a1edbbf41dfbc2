"""Each query formulation, by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from semoe.generation.switching.methods import methods
from semoe.generation.switching.queries import QueryInputs, formulations, make_query
from semoe.language import Span
from tests.generation.switching.rigged import LANGUAGE, Words

QUESTION, BEFORE = "Where was Ada born?", "Ada was a writer. She knew Babbage."
SENTENCE = "Ada Lovelace was born in Paris."


def ask(look: Callable[[list[int]], Tensor] | None = None, *, doubted: bool = True, keep: int = 3) -> QueryInputs:
    hits = (Span(0, 12), Span(25, 30))
    assert [hit.of(SENTENCE) for hit in hits] == ["Ada Lovelace", "Paris"]
    return QueryInputs(
        question=QUESTION, before=BEFORE, sentence=SENTENCE, hits=hits if doubted else (), adds_sentence=doubted,
        keep_top_k=keep, language=LANGUAGE, tokenizer=Words(), look=look or (lambda ids: torch.eye(len(ids))),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("current", SENTENCE),
        ("current_wo_wrong", "was born in"),
        ("direct", "was born in"),
        ("forward_all", f"{QUESTION} {BEFORE} was born in"),
        ("last_sentence", "She knew Babbage."),
        ("last_n_tokens", "She knew Babbage."),
    ],
)
def test_a_doubted_sentence(name: str, query: str) -> None:
    assert make_query(name, ask()) == query


@pytest.mark.parametrize(("name", "query"), [("direct", SENTENCE), ("forward_all", f"{QUESTION} {BEFORE}")])
def test_a_sentence_that_was_only_written_last(name: str, query: str) -> None:
    assert make_query(name, ask(doubted=False)) == query


def test_last_n_tokens_keeps_n() -> None:
    assert make_query("last_n_tokens", ask(keep=1)) == "Babbage."


def test_real_words_are_those_that_the_doubted_words_lean_on() -> None:
    """The words before a doubted one look at `writer` most, then at `knew`, never at `born`."""
    text = f"{QUESTION} {BEFORE} {SENTENCE}"
    words = [text[start:end].strip() for start, end in Words().offsets(text)]

    def look(ids: list[int]) -> Tensor:
        shares_TT = torch.zeros(len(ids), len(ids))
        shares_TT[:, words.index("writer.")], shares_TT[:, words.index("knew")] = 0.6, 0.4
        return shares_TT

    assert make_query("real_words", ask(look, keep=2)) == "writer knew"
    assert make_query("real_words", ask(look, keep=1)) == "writer"


def test_a_query_is_cut_to_its_last_64_tokens() -> None:
    long = QueryInputs(
        question=" ".join(map(str, range(100))), before="", sentence="x", hits=(), adds_sentence=False, keep_top_k=3,
        language=LANGUAGE, tokenizer=Words(), look=lambda ids: torch.eye(len(ids)),
    )  # fmt: skip
    assert make_query("forward_all", long).split() == list(map(str, range(36, 100)))


def test_punctuation_alone_asks_for_nothing() -> None:
    doubted = replace(ask(), sentence="Ada!", hits=(Span(0, 3),))
    assert make_query("current_wo_wrong", doubted) == ""


@pytest.mark.parametrize(
    ("sentence", "doubted", "query"),
    [
        ("In the city of Tampere, he was born.", ["Tampere"], "In the city of he was born."),
        ("Ada (London) wrote – it is said – in “French”.", ["London", "French"], "Ada wrote it is said in"),
        ("She met Lord Byron's heir.", ["Lord Byron"], "She met heir."),
    ],
)
def test_what_a_doubted_name_leaves_behind_is_not_asked_with(sentence: str, doubted: list[str], query: str) -> None:
    hits = tuple(Span(sentence.index(name), sentence.index(name) + len(name)) for name in doubted)
    assert make_query("direct", replace(ask(), sentence=sentence, hits=hits)) == query


def test_every_published_formulation_is_there() -> None:
    published = {"direct", "real_words", "current_wo_wrong", "current", "forward_all", "last_n_tokens", "last_sentence"}
    assert published <= set(formulations)


def test_only_the_forward_all_of_token_ends_with_the_sentence() -> None:
    """As published: DRAGIN's has question and accepted text alone."""
    assert [name for name in methods if methods[name].asks_with_sentence] == ["token"]


def test_real_words_stand_before_the_doubted_word_that_leans_on_them() -> None:
    """What a doubted word's tokens look at from that word on says nothing of what it leans on."""
    text = f"{QUESTION} {BEFORE} {SENTENCE}"
    words = [text[start:end].strip() for start, end in Words().offsets(text)]

    def look(ids: list[int]) -> Tensor:
        shares_TT = torch.zeros(len(ids), len(ids))
        for word, share in (("born", 0.9), ("writer.", 0.06), ("knew", 0.04)):
            shares_TT[:, words.index(word)] = share
        return shares_TT

    one_hit = replace(ask(look, keep=2), hits=(Span(0, 12),))
    assert make_query("real_words", one_hit) == "writer knew"
    assert make_query("real_words", replace(ask(look, keep=1), hits=(Span(25, 30),))) == "born"


def test_a_doubted_word_with_nothing_before_it_leans_on_nothing() -> None:
    doubted = replace(ask(), question="", before="", hits=(Span(0, 12),))
    assert make_query("real_words", doubted) == "was born in Paris."
    assert make_query("real_words", replace(ask(), hits=())) == SENTENCE


@pytest.mark.parametrize(("length", "kept"), [(63, 63), (64, 64), (65, 64)])
def test_a_query_of_64_tokens_is_whole(length: int, kept: int) -> None:
    words = [f"w{n}" for n in range(length)]
    assert make_query("current", replace(ask(), sentence=" ".join(words), hits=())).split() == words[-kept:]


def test_a_query_is_one_line_of_single_spaces() -> None:
    assert make_query("current", replace(ask(), sentence=" Ada \n\n sang.\t", hits=())) == "Ada sang."
