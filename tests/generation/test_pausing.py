"""An answer that is paused and gone on with equals one that is not; nothing of it is written again."""

from pathlib import Path

import pytest

from semoe.generation.engine import Engine
from semoe.generation.fused.runner import FusedRunner
from semoe.generation.request import Answer, Request
from tests.generation.rows import SPREADS, assert_same, prompts, random_expert, setting

pytestmark = pytest.mark.filterwarnings("ignore:overflow")
NEW = 9


def requests(layout: object) -> list[Request]:
    return [
        Request(
            prompt=prompt,
            experts=tuple(random_expert(layout, number) for number in row),  # type: ignore[arg-type]
            max_new_tokens=NEW,
            wants_entropy=True,
            wants_attention=True,
        )
        for prompt, row in zip(prompts(), SPREADS["some-without"], strict=True)
    ]


def answered(engine: Engine, tickets: list[int]) -> list[Answer]:
    found = dict[int, Answer]()
    while engine.has_work:
        found.update(engine.step())
    return [found[ticket] for ticket in tickets]


@pytest.mark.parametrize("fused", [False, True])
def test_a_paused_answer_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: bool
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    if fused:
        monkeypatch.setattr("semoe.generation.engine.runner_for", FusedRunner)
    whole = Engine(decoder, layout, eos_ids=frozenset(), max_rows=3).generate(requests(layout))
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=3)
    tickets = [engine.submit(request) for request in requests(layout)]
    for _ in range(4):
        engine.step()
    before = [len(engine.written(ticket).tokens) for ticket in tickets]
    paused = [engine.pause(ticket) for ticket in tickets]
    assert before == ([3, 3, 3, 0, 0] if fused else [4, 4, 4, 0, 0]), "of those that had a row"
    assert not engine.has_work
    for one, other in zip(
        answered(engine, [engine.resume(one) for one in reversed(paused)]), reversed(whole), strict=True
    ):
        assert_same(one, other)
        assert one.entropies == pytest.approx(other.entropies, abs=1e-3)
        assert one.attention == pytest.approx(other.attention, abs=1e-4)


def test_what_was_on_its_way_to_a_paused_answer_is_not_added_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    monkeypatch.setattr("semoe.generation.engine.runner_for", FusedRunner)
    engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=2)
    first, second = (engine.submit(request) for request in requests(layout)[:2])
    for _ in range(3):
        engine.step()
    paused = engine.pause(first)
    before = list(paused.tokens)
    engine.step()
    assert paused.tokens == before
    assert len(engine.written(second).tokens) == len(before) + 1
