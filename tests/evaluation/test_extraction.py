import pytest
from hypothesis import given
from hypothesis import strategies as st

from semoe.errors import UsageError
from semoe.evaluation.extraction import extractors

TEXTS = st.text(max_size=60) | st.from_regex(r"(The answer is|the answer is|Yes|X was| |\.|,|\(|\n|[A-Za-z])*")


@pytest.mark.parametrize("name", list(extractors))
@given(text=TEXTS, question=TEXTS)
def test_extraction_never_fails(name: str, text: str, question: str) -> None:
    assert isinstance(extractors[name](text, question), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Paris, France. More", "Paris"),
        ("J. Smith", "J"),
        ("\n Rome\nQuestion: next", "Rome"),
        ("the answer is Rome.", "the answer is Rome"),
        ("", ""),
    ],
)
def test_the_published_rule_cuts_at_stop_newline_and_comma(text: str, expected: str) -> None:
    assert extractors["published"](text, "") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He was French, so the answer is Paris.", "Paris"),
        ("So the answer is Rome. Or the answer is Oslo.", "Rome"),
        ("The Answer Is Rome", "The Answer Is Rome"),
        ("He was French. Paris", "He was French"),
    ],
)
def test_with_a_chain_the_first_marker_counts(text: str, expected: str) -> None:
    assert extractors["published_cot"](text, "") == expected


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        (" J. Smith.", "", "J. Smith"),
        ("Dr. John St. Clair. He was", "", "Dr. John St. Clair"),
        ("Ada Lovelace was born in London, England.", "Where was Ada Lovelace born?", "London"),
        ("The capital of France is Paris", "What is the capital of France?", "Paris"),
        ("This Was Tomorrow", "Which film came out first?", "This Was Tomorrow"),
        ("The Man Who was Thursday", "Which book?", "The Man Who was Thursday"),
        ("Yes, both are.", "", "Yes"),
        ("Northern Ireland", "", "Northern Ireland"),
        ("a painter (born 1901)", "", "a painter"),
        ("", "", ""),
    ],
)
def test_the_repaired_rule(text: str, question: str, expected: str) -> None:
    assert extractors["semoe"](text, question) == expected


def test_an_unknown_name_answers_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"Unknown extraction 'publishd'.*'published'.*semoe"):
        extractors["publishd"]
