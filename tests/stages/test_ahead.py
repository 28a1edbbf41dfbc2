"""A thread that runs ahead: order, depth, errors, and an end when nobody asks any more."""

import threading
import time
from collections.abc import Iterator

import pytest

from semoe.stages.ahead import Ahead


def test_items_come_in_order_and_are_made_before_they_are_asked_for() -> None:
    made = list[int]()

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    found = Ahead(items(), 3)
    assert next(found) == 0
    deadline = time.monotonic() + 10
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert made == [0, 1, 2, 3, 4], "one was taken, three wait, and one stands before the queue"
    assert list(found) == list(range(1, 10))
    assert list(Ahead([], 3)) == []


def test_nothing_is_mistaken_for_the_end() -> None:
    assert list(Ahead([None, 0, ""], 1)) == [None, 0, ""]


def test_an_error_comes_in_the_place_of_its_item() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("two")

    found = Ahead(items(), 5)
    assert next(found) == 1
    with pytest.raises(ValueError, match="two"):
        next(found)


def test_whoever_stops_early_ends_the_thread() -> None:
    before = threading.active_count()
    found = Ahead(iter(int, 1), 2)
    assert next(found) == 0
    assert threading.active_count() == before + 1
    found.close()
    assert threading.active_count() == before
