"""What a passage is called, and what its first bracket says: no parser is loaded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.augment.parse.brackets import bracket_facts, strip_brackets, tells_a_life
from semoe.augment.parse.titles import last_noun, read_names, without_bracket


def said(inside: str, *, is_person: bool = True) -> dict[str, str]:
    return {one.questions[0]: one.answer for one in bracket_facts(inside, "T", is_person=is_person)}


def test_title_loses_only_its_last_bracket() -> None:
    assert without_bracket("John Diamond (journalist)") == "John Diamond"
    assert without_bracket("(500) Days of Summer (film)") == "(500) Days of Summer"


def test_longer_opening_name_is_a_second_name() -> None:
    names = read_names("Juha Jokela", "Juha Petteri Jokela (born 5 July 1970) is a screenwriter.")
    assert (names.name, names.second, names.introduced) == ("Juha Jokela", "Juha Petteri Jokela", True)


def test_opening_that_shares_no_word_with_the_title_introduces_nothing() -> None:
    names = read_names("Berdychiv", "However, during World War II, the town was burnt.")
    assert (names.second, names.introduced) == (None, False)


def test_small_words_in_common_are_no_introduction() -> None:
    assert not read_names("Queen of Spades", "Battle of Hastings is a battle.").introduced


def test_quoted_title_is_an_introduction() -> None:
    names = read_names("To Ramona", '"To Ramona" is a folk waltz written by Bob Dylan.')
    assert (names.second, names.introduced) == (None, True)


def test_missing_article_makes_no_second_name() -> None:
    assert read_names("The Knife", "The Knife is a 1961 film.").second is None


def test_passage_without_title_is_called_as_it_opens() -> None:
    assert read_names("", "Lake Garda is a lake.").name == "Lake Garda"
    assert read_names("", "and so on").name == "this"


def test_phrase_is_referred_to_by_its_last_noun() -> None:
    assert last_noun("Ohio River") == {"river"}
    assert last_noun(" ") == frozenset()


@pytest.mark.parametrize(
    ("text", "plain", "inside"),
    [
        ("A (b) is c.", "A is c.", "b"),
        ("A (b (c) d) is (e).", "A is.", "b (c) d"),
        ("A( b)( died 1429) was.", "A was.", " b;  died 1429"),
        ("A ) is (b", "A ) is", "b"),
        ("", "", ""),
    ],
)
def test_brackets_are_taken_out_and_the_first_is_kept(text: str, plain: str, inside: str) -> None:
    assert strip_brackets(text) == (plain, inside)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("born 5 July 1970 in Tampere", {"Where was T born?": "Tampere", "When was T born?": "5 July 1970"}),
        ("born in Tampere, 1970", {"Where was T born?": "Tampere", "When was T born?": "1970"}),
        ("born Montreuil-Bellay 6 January 1950", {"Where was T born?": "Montreuil-Bellay"}),
        ("Ghent, 25 Oct 1952", {"Where was T born?": "Ghent", "When was T born?": "25 Oct 1952"}),
        ("10 May 1953 – 2 March 2001", {"When was T born?": "10 May 1953", "When did T die?": "2 March 2001"}),
        ("1 May 1900, Riga – 2 May 1950, Paris", {"Where was T born?": "Riga", "Where did T die?": "Paris"}),
        ("1807-1886", {"When was T born?": "1807", "When did T die?": "1886"}),
        ("born Norma Jeane; June 1, 1926 – August 4, 1962", {"When was T born?": "June 1, 1926"}),
        ("née Tocco;  died November 1429", {"When did T die?": "November 1429"}),
        ("born 1900 in Rio de Janeiro, died 1950 in Bonn", {"Where was T born?": "Rio de Janeiro"}),
        ("founded 1887", {"When was T founded?": "1887"}),
    ],
)
def test_bracket_tells_where_and_when(inside: str, expected: dict[str, str]) -> None:
    found = said(inside)
    assert {question: found.get(question) for question in expected} == expected


def test_bracket_of_a_thing_tells_no_birth() -> None:
    assert said("1914–1918", is_person=False) == {}
    assert said("Finnish: Tampere") == {}


def test_birth_name_is_no_birthplace() -> None:
    assert "Where was T born?" not in said("born Norma Jeane Mortenson")


def test_life_is_told_by_a_span_or_a_birth() -> None:
    assert tells_a_life("1807- 1886")
    assert tells_a_life("born 1967")
    assert not tells_a_life("1967")


@given(st.text(alphabet="()–-;, 0123456789abBornMay", max_size=60))
def test_no_bracket_breaks_it(text: str) -> None:
    plain, inside = strip_brackets(text)
    tells_a_life(inside)
    assert all(one.answer in inside for one in bracket_facts(inside, "T", is_person=True))
    assert len(plain) <= len(text)
