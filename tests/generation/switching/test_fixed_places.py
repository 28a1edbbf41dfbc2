"""Methods that retrieve at fixed places: never, once, every few tokens, after every sentence."""

import pytest

from tests.generation.switching.doubted import born
from tests.generation.switching.rigged import Rig


@pytest.fixture
def known() -> Rig:
    """Answers of itself; with what a search for the question finds, it answers `Known.`."""
    rig = Rig()
    born(rig)
    rig.path("q", "Known.", code=3)
    rig.passage("q", "3")
    return rig


def test_non_retrieval_answers_of_itself(known: Rig) -> None:
    (found,) = known.loop(method="non-retrieval").answer(["q"])
    assert (found.text[:3], found.counters.retrieve) == ("She", 0)


def test_single_retrieval_asks_once_with_the_question(known: Rig) -> None:
    (found,) = known.loop(method="single-retrieval").answer(["q"])
    assert (found.text, found.counters.retrieve, found.switches[0].query) == ("Known.", 1, "q")


def test_fix_length_retrieves_every_few_tokens_with_what_was_written_last() -> None:
    rig = Rig()
    ids = rig.path("q", "one two three four five six", code=3)
    rig.passage("q", "3")
    rig.passage("one two three", "4")
    rig.path(ids[2], " IV V", code=4)
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=3).answer(["q"])
    assert found.text == "one two three IV V"
    assert rig.queries == [["q"], ["one two three"]]


def test_a_stretch_that_ends_within_the_closing_words_does_not_end_the_answer() -> None:
    rig = Rig()
    rig.path("q", "So the answer is London.")
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=4).answer(["q"])
    assert (found.text, rig.queries) == ("So the answer is London.", [["q"]])


def test_nothing_is_asked_for_once_the_answer_is_full() -> None:
    rig = Rig()
    rig.path("q", "one two three four five six seven")
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=3, generate_max_length=6).answer(["q"])
    assert (found.text, found.stopped) == ("one two three four five six", "length")
    assert rig.queries == [["q"], ["one two three"]]


def test_fix_sentence_retrieves_after_every_sentence() -> None:
    rig = Rig()
    rig.path("q", "She sang well. She danced too. She left.", code=3)
    rig.passage("q", "3")
    rig.passage("She sang well.", "3")
    rig.passage("She danced too.", "3")
    (found,) = rig.loop(method="fix-sentence-retrieval").answer(["q"])
    assert found.text == "She sang well. She danced too. She left."
    assert rig.queries == [["q"], ["She sang well."], ["She danced too."]]
