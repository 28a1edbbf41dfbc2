"""Which passages are worth going on with."""

from semoe.generation.switching.row import Row
from semoe.retrieval.passage import Passage, Retrieved
from tests.generation.switching.doubted import BORN, UNSURE, born
from tests.generation.switching.rigged import Rig


def hits(*names: str) -> tuple[Retrieved, ...]:
    return tuple(Retrieved(Passage(name, f"text of {name}", name), 1.0, rank) for rank, name in enumerate(names))


def test_passages_that_were_tried_at_a_place_are_not_tried_there_again() -> None:
    row = Row(0, "q")
    assert row.is_new(hits("1", "2"))
    row.passages = hits("1", "2")
    assert not row.is_new(hits("2", "1")), "in another order they are the same"
    assert row.is_new(hits("1"))
    row.passages = hits("1")
    assert not row.is_new(hits("1", "2")), "tried here before"
    row.accepted += [5, 6]
    assert row.is_new(hits("1", "2")), "tried elsewhere"
    assert not row.is_new(hits("1"))
    assert not row.is_new(())


def test_two_searches_that_take_turns_at_one_sentence_end() -> None:
    """The passages that one finds bring the query of the other, and so on: the sentence is accepted then."""
    rig, turn = Rig(), [0]
    ids = born(rig)
    for code in (3, 4):
        rig.path(ids[3], f" {BORN} Bye.", code=code, **UNSURE)

    def search(queries: list[str], k: int) -> list[list[Retrieved]]:
        turn[0] += 1
        return [list(hits("3" if turn[0] % 2 else "4")) for _ in queries]

    rig.search = search  # type: ignore[assignment,method-assign]
    (found,) = rig.loop().answer(["q"])
    assert [bool(switch.note) for switch in found.switches] == [False, False, True]
    assert found.text == f"She was a writer. {BORN} Bye."
    assert found.stopped == ""
