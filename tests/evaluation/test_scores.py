import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.evaluation.scores import score
from semoe.normalise import normalise

TEXTS = st.text(max_size=60)


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("The Beatles!", ["beatles"], (1, 1, 1, 1)),
        ("new york city", ["New York"], (0, 0.8, 2 / 3, 1)),
        ("yes", ["no"], (0, 0, 0, 0)),
        ("yes it is", ["yes"], (0, 0, 0, 0)),
        ("yes", ["yes it is"], (0, 0, 0, 0)),
        ("yes", ["yes it is", "yes"], (1, 1, 1, 1)),
        ("noanswer here", ["noanswer"], (0, 0, 0, 0)),
        ("no", ["no"], (1, 1, 1, 1)),
        ("anything", [], (0, 0, 0, 0)),
        ("", ["x"], (0, 0, 0, 0)),
        ("a b b", ["b c"], (0, 0.5, 0.5, 0.5)),
        # Precision is the second answer's, recall the first's, F1 the best of one answer: each by itself.
        ("b c d e", ["b c d e f g h i", "b"], (0, 2 / 3, 1, 1)),
        ("x b", ["b c d", "x b y"], (0, 0.8, 1, 2 / 3)),
        ("the", ["a"], (1, 0, 0, 0)),
    ],
)
def test_hand_made_cases(prediction: str, answers: list[str], expected: tuple[float, ...]) -> None:
    assert score(prediction, answers) == pytest.approx(expected)


@given(TEXTS.filter(lambda text: bool(normalise(text))))
def test_an_answer_matches_itself(text: str) -> None:
    assert score(text, [text]) == pytest.approx((1, 1, 1, 1))


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4))
def test_scores_lie_between_0_and_1_and_more_answers_never_hurt(text: str, answers: list[str]) -> None:
    found = score(text, answers)
    assert all(0 <= value <= 1 for value in found)
    assert all(more >= less for more, less in zip(found, score(text, answers[:1]), strict=True))
