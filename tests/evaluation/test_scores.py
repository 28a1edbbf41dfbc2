import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.evaluation import extractors, interval, normalise, paired_bootstrap, score

TEXTS = st.text(max_size=60)


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("The Beatles!", ["beatles"], (1, 1, 1, 1)),
        ("new york city", ["New York"], (0, 0.8, 2 / 3, 1)),
        ("yes", ["no"], (0, 0, 0, 0)),
        ("yes it is", ["yes"], (0, 0, 0, 0)),
        ("no", ["no"], (1, 1, 1, 1)),
        ("anything", [], (0, 0, 0, 0)),
        ("", ["x"], (0, 0, 0, 0)),
        ("x b", ["b c d", "x b y"], (0, 0.8, 1, 2 / 3)),
    ],
)
def test_hand_made_cases(prediction: str, answers: list[str], expected: tuple[float, ...]) -> None:
    assert score(prediction, answers) == pytest.approx(expected)


@given(TEXTS.filter(lambda text: bool(normalise(text))))
def test_an_answer_matches_itself(text: str) -> None:
    assert score(text, [text]).em == 1


@pytest.mark.parametrize("name", list(extractors))
@given(text=TEXTS, question=TEXTS)
def test_extraction_never_fails(name: str, text: str, question: str) -> None:
    assert isinstance(extractors[name](text, question), str)


@pytest.mark.parametrize(
    ("name", "text", "question", "expected"),
    [
        ("published", " Paris, France. More", "", "Paris"),
        ("published", "J. Smith", "", "J"),
        ("published_cot", "He was French, so the answer is Paris.", "", "Paris"),
        ("semoe", " J. Smith.", "", "J. Smith"),
        ("semoe", "Ada Lovelace was born in London, England.", "Where was Ada Lovelace born?", "London"),
        ("semoe", "Yes, both are.", "", "Yes"),
        ("semoe", "a painter (born 1901)", "", "a painter"),
    ],
)
def test_short_answers(name: str, text: str, question: str, expected: str) -> None:
    assert extractors[name](text, question) == expected


def test_the_paired_interval_is_narrower_than_the_difference_of_two_and_repeats() -> None:
    a = [float(i % 7) for i in range(200)]
    b = [x - 1 for x in a]
    assert paired_bootstrap(a, b) == (1.0, 1.0, 1.0)
    assert interval(a) == interval(a)
    assert interval(a).low < interval(a).mean < interval(a).high
