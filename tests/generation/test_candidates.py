"""Candidates change how long an answer takes, never what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.generation.engine import Engine
from semoe.generation.fused.runner import FusedRunner
from semoe.generation.request import Answer, Request
from tests.generation.rows import SPREADS, assert_same, prompts, random_expert, setting

pytestmark = pytest.mark.filterwarnings("ignore:overflow")
NEW = 9
FAMILIES = ["llama", "mistral-window", "dynamic-rope"]
Guess = Callable[[tuple[int, ...]], tuple[int, ...]]
GUESSES: dict[str, Guess] = {
    "all of it": lambda tokens: tokens,
    "all of it and more": lambda tokens: (*tokens, 7, 8, 9),
    "all but the last": lambda tokens: tokens[:-1],
    "half of it": lambda tokens: (*tokens[:4], (tokens[4] + 1) % 97, *tokens[5:]),
    "nothing": lambda tokens: ((tokens[0] + 1) % 97, *tokens[1:]),
    "one": lambda tokens: tokens[:1],
}


@pytest.fixture(params=["plain", "fused"])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fused":
        monkeypatch.setattr("semoe.generation.engine.runner_for", FusedRunner)
    return str(request.param)


def requests(layout: object) -> list[Request]:
    return [
        Request(
            prompt=prompt,
            experts=tuple(random_expert(layout, number) for number in row),  # type: ignore[arg-type]
            max_new_tokens=NEW,
            wants_entropy=True,
        )
        for prompt, row in zip(prompts(), SPREADS["some-without"], strict=True)
    ]


def guessing(asked: Sequence[Request], whole: Sequence[Answer], guesses: Sequence[Guess]) -> list[Request]:
    return [
        replace(request, candidates=guess(answer.tokens))
        for request, answer, guess in zip(asked, whole, guesses, strict=True)
    ]


def assert_all_same(ours: Sequence[Answer], theirs: Sequence[Answer]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert_same(one, other)
        assert one.finish == other.finish
        assert one.entropies == pytest.approx(other.entropies, abs=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_is_the_same_whatever_was_guessed(tmp_path: Path, runner: str, family: str) -> None:
    if (runner, family) == ("fused", "dynamic-rope"):
        pytest.skip("the GPU's runner is not for it")
    decoder, layout = setting(tmp_path, family, 2)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=3)
    asked = requests(layout)
    whole = engine.generate(asked)
    for start in range(len(GUESSES)):
        guesses = [list(GUESSES.values())[(start + place) % len(GUESSES)] for place in range(len(asked))]
        assert_all_same(engine.generate(guessing(asked, whole, guesses)), whole)


def test_what_was_guessed_right_takes_one_step(tmp_path: Path, runner: str) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)
    whole = Engine(decoder, layout, eos_ids=frozenset(), max_rows=5).generate(asked)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=5)
    for request in guessing(asked, whole, [GUESSES["all of it"]] * 5):
        engine.submit(request)
    ahead = runner == "fused"  # it looks at a step's choices during the next one
    ended = [len(engine.step()) for _ in range(1 + ahead)]
    assert ended == [0] * ahead + [5]
    assert not engine.has_work


def test_an_answer_ends_where_a_candidate_would_have_gone_on(tmp_path: Path, runner: str) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)
    free = Engine(decoder, layout, eos_ids=frozenset(), max_rows=5).generate(asked)
    ends = frozenset(answer.tokens[3] for answer in free[:3])
    engine = Engine(decoder, layout, eos_ids=ends, max_rows=5)
    whole = engine.generate(asked)
    assert any(answer.finish == "eos" for answer in whole)
    assert_all_same(engine.generate(guessing(asked, free, [GUESSES["all of it"]] * 5)), whole)


def test_more_candidates_than_a_step_has_room_for(
    tmp_path: Path, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    monkeypatch.setattr("semoe.generation.engine.MOST_CANDIDATES", 11)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=4)
    asked = requests(layout)
    whole = engine.generate(asked)
    assert_all_same(engine.generate(guessing(asked, whole, [GUESSES["all of it"]] * 5)), whole)


def test_a_pause_while_candidates_are_tried_loses_nothing(tmp_path: Path, runner: str) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=3)
    asked = requests(layout)
    whole = engine.generate(asked)
    tickets = [engine.submit(one) for one in guessing(asked, whole, [GUESSES["half of it"]] * 5)]
    engine.step()
    paused = engine.pause(tickets[0])
    resumed = [engine.resume(paused), *tickets[1:]]
    found = dict[int, Answer]()
    while engine.has_work:
        found.update(engine.step())
    assert_all_same([found[ticket] for ticket in resumed], whole)


def test_where_attention_is_asked_for_nothing_is_guessed(tmp_path: Path, runner: str) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=5)
    asked = [replace(request, wants_attention=True) for request in requests(layout)]
    whole = engine.generate(asked)
    mixed = [replace(one, wants_attention=place % 2 == 0) for place, one in enumerate(asked)]
    found = engine.generate(guessing(mixed, whole, [GUESSES["half of it"]] * 5))
    assert_all_same(found, whole)
    assert [one.attention for one in found[::2]] == [pytest.approx(one.attention, abs=1e-4) for one in whole[::2]]
