"""Of many items whose common work fails, those at fault are found and left out, and all others are done."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from semoe.errors import TransientError
from semoe.stages.isolating import Isolating, Taken


def done_without(count: int, bad: set[int], at_once: int) -> tuple[list[int], list[int]]:
    """Does items in batches; a batch with a bad one fails. Returns what was done and what was set aside."""
    done: list[int] = []
    aside: list[int] = []

    def work(items: Taken[int]) -> None:
        batch: list[tuple[int, int]] = []
        for position, item in enumerate(items):
            batch.append((position, item))
            if len(batch) == at_once:
                finish(items, batch)
        finish(items, batch)

    def finish(items: Taken[int], batch: list[tuple[int, int]]) -> None:
        if any(item in bad for _, item in batch):
            raise IndexError("list index out of range")
        for position, item in batch:
            done.append(item)
            items.finish(position)
        batch.clear()

    Isolating(work, lambda item, error: aside.append(item)).run(iter(range(count)))
    return done, aside


@given(bad=st.sets(st.integers(0, 59), max_size=5), at_once=st.integers(1, 64))
@example(bad={0, 1}, at_once=2)  # all of a batch
@example(bad={58, 59}, at_once=2)
def test_each_is_done_once_but_those_at_fault(bad: set[int], at_once: int) -> None:
    done, aside = done_without(60, bad, at_once)
    assert sorted(done) == sorted(set(range(60)) - bad)
    assert sorted(aside) == sorted(bad)


def test_what_every_item_meets_is_the_fault_of_none() -> None:
    with pytest.raises(IndexError):
        done_without(60, set(range(60)), 16)
    assert done_without(1, {0}, 4) == ([], [0])


def test_what_is_no_fault_of_an_item_ends_the_work() -> None:
    def raises(error: Exception) -> None:
        def work(items: Taken[int]) -> None:
            next(items)
            raise error

        Isolating(work, lambda item, error: None).run(range(4))

    for error in (TransientError("busy", kind="busy"), MemoryError(), RuntimeError("CUDA error: an illegal access")):
        with pytest.raises(type(error)):
            raises(error)


def test_an_error_of_whoever_makes_the_items_ends_the_work() -> None:
    def items() -> "object":
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Isolating(lambda taken: [taken.finish(n) for n, _ in enumerate(taken)] and None, lambda *_: None).run(items())  # type: ignore[arg-type,func-returns-value]


@pytest.mark.parametrize("at_once", [1, 64])
def test_a_device_that_breaks_in_the_midst_takes_nothing_with_it(at_once: int) -> None:
    """What fails from then on, eight in a row, is no item's fault, however much was done before."""
    aside: list[int] = []
    done: list[int] = []

    def work(items: Taken[int]) -> None:
        batch: list[tuple[int, int]] = []
        for position, item in enumerate(items):
            batch.append((position, item))
            if len(batch) == at_once:
                finish(items, batch)
        finish(items, batch)

    def finish(items: Taken[int], batch: list[tuple[int, int]]) -> None:
        if len(done) >= 1 or any(item == 0 for _, item in batch):
            raise RuntimeError("no more memory")
        for position, item in batch:
            done.append(item)
            items.finish(position)
        batch.clear()

    with pytest.raises(RuntimeError, match="no more memory"):
        Isolating(work, lambda item, error: aside.append(item)).run(iter(range(200)))
    assert done == [1]
    assert aside == [0], "what failed before anything was done, and nothing after"
