"""Processes that augment ahead give what this process gives, in order, and end when nobody asks any more."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from itertools import count

import pytest

from semoe.augment.contract import AugmentSettings
from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import TransientError, UsageError
from semoe.retrieval.dpr import read_passages
from semoe.stages.augment_ahead import PART, augmented_ahead, processes_for
from semoe.stages.retrieve import unaugmented
from tests.demo import PASSAGES

SETTINGS = AugmentSettings(max_pairs=3)


@pytest.fixture(scope="module")
def passages() -> list[AugmentedPassage]:
    return [unaugmented(one) for one in read_passages(PASSAGES)][: PART + 5]


def test_processes_make_what_one_makes(passages: list[AugmentedPassage]) -> None:
    here = [one for made in augmented_ahead(passages, SETTINGS, 0) for one in made.passages]
    there = [one for made in augmented_ahead(passages, SETTINGS, 2) for one in made.passages]
    assert here == there
    assert [one.id for one in here] == [one.id for one in passages]
    assert sum(len(one.qa) for one in here) > len(passages)


@pytest.mark.slow
def test_passages_are_taken_as_they_are_needed_and_processes_end(passages: list[AugmentedPassage]) -> None:
    taken = 0

    def endless() -> Iterator[AugmentedPassage]:
        nonlocal taken
        for taken in count(1):
            yield passages[taken % len(passages)]

    found = augmented_ahead(endless(), SETTINGS, 1)
    next(found)
    assert taken <= 6 * PART
    found.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 20
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_process_that_is_killed_is_another_attempts_business(passages: list[AugmentedPassage]) -> None:
    found = augmented_ahead(passages * 20, SETTINGS, 1)
    next(found)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    with pytest.raises(TransientError, match="was ended"):
        list(found)


def test_what_is_wrong_with_the_settings_is_told_as_it_is(passages: list[AugmentedPassage]) -> None:
    with pytest.raises(UsageError, match=r"Unknown augmenter 'prase'\. Did you mean 'parse'") as error:
        list(augmented_ahead(passages, AugmentSettings(augmenter="prase"), 1))
    assert error.value.kind == "unknown-name"


def test_a_model_on_the_cpu_has_use_for_the_cores_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert processes_for("cpu") == 0
    assert processes_for("cuda") == 1
