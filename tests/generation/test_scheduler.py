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


@pytest.mark.parametrize(
    ("ended", "left", "moves"),
    [
        ([], [0, 1, 2, 3], []),
        ([1], [0, 3, 2], [(3, 1)]),
        ([3], [0, 1, 2], []),
        ([0, 1], [2, 3], [(3, 1), (2, 0)]),
        ([0, 3], [2, 1], [(2, 0)]),
        ([0, 1, 2, 3], [], []),
    ],
)
def test_the_last_that_run_close_the_holes_of_those_that_end(
    ended: list[int], left: list[int], moves: list[tuple[int, int]]
) -> None:
    made = scheduler([1] * 4)
    made.admit()
    slots = running(made)
    for slot in ended:
        made.running[slot].finish = "eos"
    finished, told = made.retire()
    assert sorted(sequence.index for sequence in finished) == ended
    # Moved one after the other, as the runner does it, rows lie where the scheduler says.
    for source, target in told:
        slots[target] = slots[source]
    assert slots[: len(made.running)] == running(made)
    assert sorted(running(made)) == sorted(left)
    assert (running(made), told) == (left, moves)


def test_there_is_work_while_anything_waits_or_runs() -> None:
    made = scheduler([1])
    assert made.has_work
    made.admit()
    assert made.has_work
    made.running[0].finish = "length"
    made.retire()
    assert not made.has_work
