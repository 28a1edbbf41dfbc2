"""Answers that are written together: none depends on another, and their searches are one."""

from collections.abc import Sequence

import pytest

from semoe.generation.switching.trace import Answered
from semoe.retrieval.passage import Retrieved
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig


class OnePassage(Rig):
    """Whatever is asked, passage 2 is found."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        for query in queries:
            self.passage(query, "2")
        return super().search(queries, k)


def many(rig: Rig) -> list[str]:
    """Questions whose answers stop at different places."""
    questions = [f"q{n}" for n in range(6)]
    for number, question in enumerate(questions):
        ids = rig.path(question, f"{'Well. ' * (number + 1)}{BORN} Bye.", **UNSURE)
        rig.path(ids[number], f" London it is, {number}.", code=number + 1)
    return questions


@pytest.mark.parametrize("max_rows", [1, 2, 6])
def test_answers_do_not_depend_on_neighbours(max_rows: int) -> None:
    rig = OnePassage()
    questions = many(rig)
    alone = [rig.loop(max_rows=1).answer([question])[0] for question in questions]
    together = rig.loop(max_rows=max_rows).answer(questions)
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.counters for one in together] == [one.counters for one in alone]
    assert [one.switches[0].experts for one in together] == [("key 2",)] * 6


def test_rows_that_stop_at_once_ask_at_once() -> None:
    rig = Rig()
    for number in range(5):
        ids = born(rig, f"q{number}")
        rig.path(ids[3], " Fine.", code=3)
    rig.passage("was born in", "3")
    found = rig.loop().answer([f"q{number}" for number in range(5)])
    assert [len(queries) for queries in rig.queries] == [5]
    assert {one.text for one in found} == {"She was a writer. Fine."}


def test_on_finish_hears_of_each_answer_as_it_ends() -> None:
    rig, heard = OnePassage(), list[tuple[int, Answered]]()
    questions = many(rig)
    answers = rig.loop(max_rows=2).answer(questions, lambda index, answered: heard.append((index, answered)))
    assert sorted(heard, key=lambda one: one[0]) == list(enumerate(answers))
