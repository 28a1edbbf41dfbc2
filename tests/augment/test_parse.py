from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semoe.augment.parse import candidates, load_parser, question_answers
from semoe.augment.rejection import REASONS

JOKELA = (
    "Juha Petteri Jokela (born 5 July 1970 in Tampere) is a Finnish screenwriter and director. "
    "He directed the play Mobile Horror, which was written by his brother."
)
DIAMOND = (
    "John Diamond (10 May 1953 – 2 March 2001), was a British journalist and broadcaster. He was married "
    "to the food writer and TV cook Nigella Lawson from 1992 until his death from cancer in 2001."
)


@pytest.fixture(scope="module")
def parser() -> Any:
    return load_parser()


def asked(parser: Any, title: str, text: str) -> dict[str, str]:
    return {q: c.answer for c in candidates(parser, title, text) for q in c.questions}


def test_a_bracket_tells_where_and_when_someone_was_born(parser: Any) -> None:
    found = asked(parser, "Juha Jokela", JOKELA)
    assert found["Where was Juha Jokela born?"] == "Tampere"
    assert found["When was Juha Jokela born?"] == "5 July 1970"


def test_a_life_span_tells_birth_and_death(parser: Any) -> None:
    found = asked(parser, "John Diamond (journalist)", DIAMOND)
    assert found["When was John Diamond born?"] == "10 May 1953"
    assert found["When did John Diamond die?"] == "2 March 2001"


def test_a_copula_tells_kind_and_nation_and_a_pronoun_means_the_title(parser: Any) -> None:
    found = asked(parser, "Juha Jokela", JOKELA)
    assert found["What is Juha Jokela?"] == "screenwriter"
    assert found["What nationality is Juha Jokela?"] == "Finnish"
    assert any("did Juha Jokela direct" in question for question in found)


def test_dates_and_places_after_a_date_are_both_found(parser: Any) -> None:
    found = asked(parser, "Ann Lee", "Ann Lee was born in 1933 in Cleveland. She is a painter.")
    assert "Cleveland" in found.values()
    assert "1933" in found.values()


def test_every_answer_stands_in_the_passage_and_pairs_repeat(parser: Any) -> None:
    pairs = question_answers(parser, "Juha Jokela", JOKELA)
    assert pairs == question_answers(parser, "Juha Jokela", JOKELA)
    assert 3 <= len(pairs) <= 8
    assert all(pair.answer in JOKELA or pair.answer in "Juha Jokela" for pair in pairs)
    assert len({pair.question for pair in pairs}) == len(pairs)
    assert any("Petteri" in wording for pair in pairs for wording in pair.wordings) or any(p.wordings for p in pairs)


def test_a_passage_without_facts_still_gives_its_first_sentence(parser: Any) -> None:
    (pair,) = question_answers(parser, "Odd", "and so on, and so forth")
    assert (pair.question, pair.answer) == ("What is Odd?", "and so on, and so forth")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=st.text(max_size=20), text=st.text(max_size=120))
def test_no_text_breaks_it_and_rejections_are_counted_by_known_reasons(parser: Any, title: str, text: str) -> None:
    rejected = Counter[str]()
    question_answers(parser, title, text, rejected=rejected)
    assert set(rejected) <= set(REASONS)
