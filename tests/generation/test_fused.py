"""The GPU's runner answers as the plain one does; its kernels run in Triton's interpreter."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.experts.layout import ExpertLayout
from semoe.generation.engine import Engine
from semoe.generation.fused.graphs import size_of
from semoe.generation.fused.paging import Paging
from semoe.generation.fused.pool import FIRST_PLACES, ExpertPool
from semoe.generation.fused.runner import FusedRunner
from semoe.generation.request import Answer, Request
from semoe.kernels.pages import PAGE
from semoe.models.decoder import Decoder
from tests.generation.rows import SPREADS, assert_same, prompts, random_expert, setting

# The interpreter works with numpy, which warns where a sigmoid's exponential overflows to infinity, as it should.
pytestmark = pytest.mark.filterwarnings("ignore:overflow")
EOS = frozenset([5, 9, 11])


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.generation.engine.runner_for", FusedRunner)


def requests(layout: ExpertLayout, spread: str = "skewed") -> list[Request]:
    return [
        Request(
            prompt=prompt,
            experts=tuple(random_expert(layout, number) for number in row),
            weights=tuple(0.5 + number % 2 for number in row),
            max_new_tokens=3 + len(prompt) % 5,
            wants_entropy=True,
        )
        for prompt, row in zip(prompts(), SPREADS[spread], strict=True)
    ]


def answers(decoder: Decoder, layout: ExpertLayout | None, asked: Sequence[Request]) -> list[Answer]:
    return Engine(decoder, layout, eos_ids=EOS, max_rows=3, prefill_tokens=40).generate(asked)


@pytest.mark.parametrize(
    ("family", "rank"),
    [("llama", 1), ("qwen2", 2), ("qwen3", 3), ("mistral-window", 2), ("gemma3", 5), ("llama", 16), ("llama3-rope", 2)],
)
def test_answers_equal_the_plain_runners(
    tmp_path: Path, request: pytest.FixtureRequest, family: str, rank: int
) -> None:
    decoder, layout = setting(tmp_path, family, rank)
    asked = requests(layout)
    plain = answers(decoder, layout, asked)
    request.getfixturevalue("fused")
    for ours, theirs in zip(answers(decoder, layout, asked), plain, strict=True):
        assert_same(ours, theirs)
        assert ours.entropies == pytest.approx(theirs.entropies, abs=1e-3)


def test_what_tokens_look_at_equals_the_plain_runners(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = [replace(one, wants_attention=bool(number % 2)) for number, one in enumerate(requests(layout))]
    plain = answers(decoder, layout, asked)
    request.getfixturevalue("fused")
    for ours, theirs in zip(answers(decoder, layout, asked), plain, strict=True):
        assert ours.tokens == theirs.tokens
        assert ours.attention == pytest.approx(theirs.attention, abs=1e-4)


def test_experts_come_once_leave_when_room_is_wanted_and_never_while_in_use(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    pool = ExpertPool(layout, decoder.dtype, decoder.device)
    pool._limit = FIRST_PLACES
    experts = [random_expert(layout, number) for number in range(FIRST_PLACES + 2)]
    first = pool.take(experts[0], "0")
    assert pool.take(experts[0], "0") == first
    for number in range(1, FIRST_PLACES):
        pool.take(experts[number], str(number))
        pool.give_back(experts[number], str(number))
    assert pool.num_loads == FIRST_PLACES
    moved = pool.generation
    places = [pool.take(experts[number], str(number)) for number in (FIRST_PLACES, FIRST_PLACES + 1)]
    assert first not in places
    assert pool.generation == moved, "the least recently used left"
    pool.take(experts[3], "3")
    assert pool.num_loads == FIRST_PLACES + 2, "the third was still there"
    pool.take(experts[1], "1")
    assert pool.num_loads == FIRST_PLACES + 3, "the first was not"


def test_experts_without_a_key_are_told_by_their_identity(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    pool = ExpertPool(layout, decoder.dtype, decoder.device)
    one, same = random_expert(layout, 1), random_expert(layout, 1)
    assert pool.take(one) == pool.take(one) != pool.take(same)
    assert pool.num_loads == 2


def test_where_all_experts_are_in_use_the_limit_gives_way(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    pool = ExpertPool(layout, decoder.dtype, decoder.device)
    pool._limit = FIRST_PLACES
    places = {pool.take(random_expert(layout, 0), str(number)) for number in range(FIRST_PLACES + 5)}
    assert len(places) == FIRST_PLACES + 5


def test_pages_are_taken_by_length_and_given_back(tmp_path: Path) -> None:
    decoder, _ = setting(tmp_path, "llama", 2)
    paging = Paging(decoder, 2)
    assert paging.has_room(PAGE + 1, must=False)
    paging.take(0, PAGE + 1)
    paging.take(1, 3 * PAGE)
    mine, other = (set(paging.table_SL[slot, :count].tolist()) for slot, count in ((0, 2), (1, 3)))
    assert len(mine | other) == 5
    assert 0 not in mine | other, "the spare slot's page is nobody's"
    paging.give_back(0)
    paging.take(0, 2 * PAGE)
    assert set(paging.table_SL[0, :2].tolist()) == mine


def test_who_has_no_page_waits_unless_nobody_else_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: None
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)
    free = answers(decoder, layout, asked)
    most = list[int]()

    def has_room(self: Paging, num_places: int, *, must: bool) -> bool:
        most.append(len(self._pages))
        return must and self._grow(8, must=True)

    monkeypatch.setattr(Paging, "has_room", has_room)
    for ours, theirs in zip(answers(decoder, layout, asked), free, strict=True):
        assert_same(ours, theirs)
    assert max(most) == 1, "somebody waited while another ran"


def test_an_expert_that_has_left_the_device_is_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: None
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)
    free = answers(decoder, layout, asked)
    monkeypatch.setattr("semoe.generation.fused.pool.FIRST_PLACES", 2)
    monkeypatch.setattr("semoe.generation.fused.pool._most_places", lambda expert_bytes, device: 2)
    for ours, theirs in zip(answers(decoder, layout, asked + asked), free + free, strict=True):
        assert_same(ours, theirs)


@pytest.mark.parametrize(("num_rows", "size"), [(1, 1), (3, 4), (64, 64), (65, 128), (129, 192), (512, 512)])
def test_steps_are_captured_in_few_sizes(num_rows: int, size: int) -> None:
    assert size_of(num_rows) == size
