import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Beatles!", "beatles"),
        ("a an the", ""),
        ("Anthem", "anthem"),
        ("St. John's-wort", "st johnswort"),
        ("U.S.A.", "usa"),
        ("«É» – ?", "«é» –"),
        ("\tNew\nYork ", "new york"),
    ],
)
def test_case_ascii_punctuation_articles_and_spaces_go(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text(max_size=60))
def test_no_upper_case_article_or_double_space_stays(text: str) -> None:
    words = normalise(text).split(" ")
    assert words == [""] or all(words)
    assert not {"a", "an", "the"} & set(words)
