"""Which sequences run, and in which slots."""

from collections.abc import Sequence

import pytest

from semoe.generation.request import Request
from semoe.generation.running import Running
from semoe.generation.scheduler import Scheduler


def scheduler(lengths: Sequence[int], *, max_rows: int = 8, prefill_tokens: int = 10) -> Scheduler:
    """Sequences whose prompts have these lengths wait."""
    made = Scheduler(max_rows, prefill_tokens)
    for index, length in enumerate(lengths):
        made.add(Running(index, Request(prompt=(2,) * length)))
    return made


def admitted(made: Scheduler) -> list[int]:
    return [sequence.index for sequence in made.admit()]


def running(made: Scheduler) -> list[int]:
    return [sequence.index for sequence in made.running]


def test_no_more_prompt_tokens_are_admitted_at_once_than_the_budget() -> None:
    made = scheduler([4, 6, 1, 5, 5, 5])
    assert [admitted(made) for _ in range(4)] == [[0, 1], [2, 3], [4, 5], []]
    assert running(made) == [0, 1, 2, 3, 4, 5]


def test_a_prompt_above_the_budget_runs_alone_and_waits_its_turn() -> None:
    made = scheduler([3, 50, 3])
    assert [admitted(made) for _ in range(3)] == [[0], [1], [2]]


def test_no_more_run_at_once_than_there_are_rows() -> None:
    made = scheduler([1] * 5, max_rows=2)
    assert (admitted(made), admitted(made)) == ([0, 1], [])
    made.running[1].finish = "eos"
    made.retire()
    assert (admitted(made), running(made)) == ([2], [0, 2])


@pytest.mark.parametrize("ended", [[], [1], [3], [0, 1], [0, 3], [0, 1, 2, 3]])
def test_those_that_ended_leave_and_the_others_keep_their_order(ended: list[int]) -> None:
    made = scheduler([1] * 4)
    made.admit()
    for row in ended:
        made.running[row].finish = "eos"
    assert [sequence.index for sequence in made.retire()] == ended
    assert running(made) == [row for row in range(4) if row not in ended]


def test_who_finds_no_room_waits_and_so_do_those_behind() -> None:
    made = scheduler([1, 5, 1])
    assert [one.index for one in made.admit(lambda one: len(one.request.prompt) < 5)] == [0]
    assert admitted(made) == [1, 2]


def test_there_is_work_while_anything_waits_or_runs() -> None:
    made = scheduler([1])
    assert made.has_work
    made.admit()
    assert made.has_work
    made.running[0].finish = "length"
    made.retire()
    assert not made.has_work
