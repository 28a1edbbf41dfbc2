import pytest

from semoe.telemetry.progress import progress, rate_in_words


@pytest.mark.parametrize(
    ("per_second", "words"),
    [
        (1234.56, "1,234.6 a second"),
        (1.0, "1.0 a second"),
        (0.5, "30.0 a minute"),
        (1 / 600, "6.0 an hour"),
        (0.0, "0.0 an hour"),
    ],
)
def test_a_rate_is_no_fraction(per_second: float, words: str) -> None:
    assert rate_in_words(per_second) == words


def test_where_there_is_no_terminal_the_last_line_says_how_much_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("encode", 3, "experts") as advance:
        advance(2)
    assert capsys.readouterr().err.startswith("encode: 2 of 3 experts, ")
