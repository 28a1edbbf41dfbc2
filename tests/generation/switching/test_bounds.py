"""What bounds an answer, and that nothing else does: nothing is cut where it merely stops to ask."""

from collections.abc import Sequence

import pytest

from semoe.retrieval.passage import Retrieved
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig

LONG = "one two three four five six seven eight nine"


def test_after_the_closing_words_an_answer_is_not_cut_at_a_stretch() -> None:
    rig = Rig()
    rig.path("q", f"So the answer is {LONG}")
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=4).answer(["q"])
    assert found.text == f"So the answer is {LONG}"
    assert (found.counters.retrieve, found.stopped) == (1, "")


@pytest.mark.parametrize(("max_switches", "asked"), [(1, 1), (2, 2), (4, 4), (5, 5), (9, 5)])
def test_after_the_last_retrieval_an_answer_is_written_to_its_end(max_switches: int, asked: int) -> None:
    rig = Rig()
    rig.path("q", LONG)
    (found,) = rig.loop(method="fix-length-retrieval", fix_length=2, max_switches=max_switches).answer(["q"])
    assert found.text == LONG
    assert (found.counters.retrieve, len(rig.queries)) == (asked, asked)
    assert found.stopped == ("max_switches" if max_switches <= 5 else "")
    assert found.counters.generate == asked


@pytest.mark.parametrize("method", ["non-retrieval", "single-retrieval"])
def test_a_method_that_never_asks_again_is_stopped_by_nothing(method: str) -> None:
    rig = Rig()
    rig.path("q", LONG)
    (found,) = rig.loop(method=method, max_switches=1).answer(["q"])
    assert (found.text, found.stopped) == (LONG, "")


@pytest.mark.parametrize(("length", "words"), [(8, 8), (9, 9), (60, 9)])
def test_an_answer_has_the_length_it_may_have(length: int, words: int) -> None:
    rig = Rig()
    rig.path("q", LONG)
    (found,) = rig.loop(method="non-retrieval", generate_max_length=length).answer(["q"])
    assert found.text == " ".join(LONG.split()[:words])
    assert found.counters.token == words


def test_a_switch_takes_its_tokens_from_what_is_left() -> None:
    """Four words were accepted before it: of twelve, eight are left for what is written anew."""
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], f" {LONG}", code=3)
    rig.passage("was born in", "3")
    (found,) = rig.loop(generate_max_length=12).answer(["q"])
    assert found.text == f"She was a writer. {' '.join(LONG.split()[:8])}"


def test_what_is_found_is_limited_told_and_kept() -> None:
    rig = Rig(without_expert={"5"})
    ids = born(rig)
    rig.path(ids[3], " Fine.", code=7)
    rig.passage("was born in", "3", "4", "5", "6")
    (found,) = rig.loop(retrieve_topk=2).answer(["q"])
    (switch,) = found.switches
    assert [(one.id, one.title, one.text, one.key) for one in switch.passages] == [
        ("3", "3", "text of 3", "key 3"), ("4", "4", "text of 4", "key 4"),
    ]  # fmt: skip
    assert (switch.query, switch.note, found.num_experts) == ("was born in", "", 2)
    assert 0 <= switch.retrieve_ms < 1000
    assert [(one.text, one.start) for one in switch.probabilities] == [
        ("Ada Lovelace", 0),
        ("Paris", BORN.index("Paris")),
    ]
    assert [one.p for one in switch.probabilities] == pytest.approx([0.5, 0.5])


def test_one_loop_answers_again_and_again() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " Fine.", code=3)
    rig.passage("was born in", "3")
    loop, told = rig.loop(), list[int]()
    first = loop.answer(["q", "q"], lambda index, answered: told.append(index))
    assert [one.text for one in loop.answer(["q"])] == [first[0].text] == ["She was a writer. Fine."]
    assert sorted(told) == [0, 1]
    assert loop.answer([]) == []


def test_the_very_first_sentence_may_be_doubted() -> None:
    rig = Rig()
    rig.path("q", f"{BORN} Bye.", **UNSURE)
    rig.path("q", "London.", code=3)
    rig.passage("was born in", "3")
    (found,) = rig.loop().answer(["q"])
    assert (found.text, found.switches[0].token) == ("London.", 0)


class EverAnother(Rig):
    """Each search finds a passage that none before it has found."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        for query in queries:
            self.passage(query, str(len(self.queries) + 1))
        return super().search(queries, k)


def test_a_limit_on_switches_ends_them_not_the_answer() -> None:
    rig = EverAnother()
    ids = born(rig)
    for code in range(1, 9):
        rig.path(ids[3], f" {BORN} Bye.", code=code, **UNSURE)
    (found,) = rig.loop(max_switches=3).answer(["q"])
    assert (len(found.switches), found.stopped) == (3, "max_switches")
    assert found.text == f"She was a writer. {BORN} Bye."


def test_a_text_that_never_ends_a_sentence_ends_at_its_length() -> None:
    rig = Rig()
    ids = rig.path("q", "and and and")
    rig.decoder.next[0, ids[-1]] = (ids[0], 0.99)
    (found,) = rig.loop(generate_max_length=20).answer(["q"])
    assert len(found.tokens) == 20


def test_an_answer_is_bounded_whatever_is_written_anew() -> None:
    rig = Rig()
    ids = born(rig)
    rig.path(ids[3], " and" * 50, code=3)
    rig.passage("was born in", "3")
    (found,) = rig.loop(generate_max_length=20).answer(["q"])
    assert len(found.tokens) == 20


def test_where_the_context_ends_the_answer_ends() -> None:
    rig = Rig(shows=True)
    ids = born(rig)
    rig.passage("was born in", *map(str, range(1, 200)))
    (found,) = rig.loop(retrieve_topk=199).answer(["q"])
    assert (found.stopped, found.tokens) == ("context", tuple(ids[:4]))
    assert found.switches[0].passages
    assert (found.cut_tokens, found.too_long) == (60, 0), "of 64 tokens four were written"


@pytest.mark.parametrize(("length", "words", "cut"), [(199, 60, 0), (205, 60, 0), (200, 199, 1), (205, 199, 6)])
def test_an_answer_that_filled_the_context_says_by_how_much_it_is_shorter(length: int, words: int, cut: int) -> None:
    """The context has 200 tokens, the question one; an answer that ended by itself lost nothing."""
    rig = Rig()
    rig.path("q", " and" * (words if cut == 0 else 250))
    (found,) = rig.loop(method="non-retrieval", generate_max_length=length).answer(["q"])
    assert (len(found.tokens), found.cut_tokens, found.stopped) == (words, cut, "context" if cut else "")


def test_a_question_without_room_for_an_answer_is_not_asked_and_says_how_long_it_is() -> None:
    rig = Rig(shows=True)
    rig.path("q", "Yes.")
    rig.passage("q", *map(str, range(1, 200)))
    (found,) = rig.loop(method="single-retrieval", retrieve_topk=199).answer(["q"])
    assert (found.text, found.stopped, found.too_long, found.cut_tokens) == ("", "context", 200, 0)
