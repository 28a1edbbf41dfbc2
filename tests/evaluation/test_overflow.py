"""What did not fit into a model's context is summed up and told in one line, with the cure."""

from semoe.evaluation.overflow import Fit, Overflow, told

FITS = [Fit(), Fit(dropped_passages=2), Fit(dropped_passages=1, cut_tokens=3), Fit(too_long=140)]


def test_questions_passages_and_answers_are_counted_apart() -> None:
    found = Overflow.of(FITS)
    assert found == Overflow(short_of_passages=2, dropped_passages=3, cut_answers=1, not_asked=1)
    assert found.sentence(4) == (
        "2 questions of 4 lost 3 passages, 1 answer ended because the context was full, "
        "1 question did not fit even without passages and got an empty answer"
    )


def test_where_all_fits_nothing_is_said() -> None:
    assert not Overflow.of([Fit()] * 3)
    assert told([("question 0", Fit())], 128) is None


def test_one_line_names_context_questions_that_were_not_asked_and_cure() -> None:
    line = told([(f"question {n}", fit) for n, fit in enumerate(FITS)], 128)
    assert line is not None
    assert "\n" not in line
    for words in ("context of 128 tokens", "(question 3 has 140 tokens)", "fewer (topk)", "max_new_tokens", "shorten"):
        assert words in line


def test_a_cure_is_named_where_it_helps() -> None:
    line = told([("question 0", Fit(cut_tokens=1))], 128)
    assert line is not None
    assert "max_new_tokens" in line
    assert "passages" not in line
    assert "shorten" not in line


def test_of_many_questions_that_were_not_asked_the_first_are_named() -> None:
    line = told([(f"question {n}", Fit(too_long=200 + n)) for n in range(9)], 128)
    assert line is not None
    assert "question 2 has 202 tokens; and 6 more" in line
    assert "question 3" not in line
