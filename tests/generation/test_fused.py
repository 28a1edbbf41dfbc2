"""The GPU's runner answers as the plain one does; its kernels run in Triton's interpreter."""

import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from semoe.errors import UsageError
from semoe.experts.fused.products import Float8Normed, Products
from semoe.experts.fused.weights import base_weights
from semoe.experts.layout import ExpertLayout
from semoe.generation.engine import Engine
from semoe.generation.fused.buffers import make_buffers
from semoe.generation.fused.paging import Paging
from semoe.generation.fused.pool import FIRST_PLACES, ExpertPool
from semoe.generation.fused.runner import FusedRunner
from semoe.generation.fused.shape import Shape, size_of
from semoe.generation.request import Answer, Request
from semoe.kernels.choice import choose
from semoe.kernels.float8 import scaled_rows
from semoe.kernels.pages import PAGE
from semoe.models.decoder import Decoder
from tests.generation.rows import SPREADS, assert_same, prompts, random_expert, setting

# The interpreter works with numpy, which warns where a sigmoid's exponential overflows to infinity, as it should.
pytestmark = pytest.mark.filterwarnings("ignore:overflow")
EOS = frozenset([5, 9, 11])
IN_OTHERS = [("llama", 1), ("mistral-window", 2), ("llama3-rope", 2)]
"""Families and ranks that have nothing for the kernels which another has not."""


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are as large as those that a GPU captures; the interpreter takes longer for them."""
    monkeypatch.setattr("semoe.generation.engine.runner_for", FusedRunner)


@pytest.fixture
def fused(captured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are as large as their rows."""
    monkeypatch.setattr("semoe.generation.fused.runner.LAUNCHED", 0.0)


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
    [
        # Biases, norms of heads, and windows with norms of their own; ranks of one block, and of several.
        ("qwen2", 2), ("qwen3", 3), ("gemma3", 5), ("llama", 16),
        *(pytest.param(family, rank, marks=pytest.mark.slow) for family, rank in IN_OTHERS),
    ],
)  # fmt: skip
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


def float8_rows(x_MW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    rows_MW, scale_1M = scaled_rows(x_MW.T)
    return rows_MW, scale_1M[0]


def test_products_in_float8_are_those_of_normed_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: None
) -> None:
    """Triton's interpreter rounds float8 in a way of its own, so torch does it here; tests/gpu has the kernel."""
    monkeypatch.setattr("semoe.experts.fused.products.quantised", float8_rows)
    decoder, _ = setting(tmp_path, "qwen2", 2)
    decoder = Decoder(decoder.config, {name: one.bfloat16() for name, one in decoder.weights.items()})
    weights, products = base_weights(decoder), Float8Normed()
    products.prepare(weights)
    layer = weights.layers[0]
    for product, is_exact in ((layer.qkv, False), (layer.gate_up, False), (layer.down, True), (weights.head, True)):
        count, width = product.weight_OI.shape
        x_MI = torch.randn(5, width, generator=torch.Generator().manual_seed(1)).bfloat16()
        found_MO, wanted_MO, held_MO = (x_MI.new_empty(5, count) for _ in range(3))
        products.forward(x_MI, product, found_MO)
        Products().forward(x_MI, product, wanted_MO)
        Products().forward(held(x_MI), replace(product, weight_OI=held(product.weight_OI)), held_MO)
        assert torch.equal(found_MO, wanted_MO) == is_exact
        torch.testing.assert_close(found_MO, wanted_MO if is_exact else held_MO, atol=0.02, rtol=0.02)


def held(x_MW: torch.Tensor) -> torch.Tensor:
    """What float8 can hold of rows."""
    rows_MW, scale_M = float8_rows(x_MW)
    return (rows_MW.float() * scale_M[:, None]).bfloat16()


def test_an_engine_that_is_asked_for_them_computes_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: None
) -> None:
    """Whether they are right is tested above: a tiny model's answers hardly tell."""
    quantised: list[int] = []
    monkeypatch.setattr("semoe.experts.fused.products.quantised", lambda x: quantised.append(len(x)) or float8_rows(x))
    decoder, layout = setting(tmp_path, "qwen2", 2)
    decoder = Decoder(decoder.config, {name: one.bfloat16() for name, one in decoder.weights.items()})
    asked = [replace(one, max_new_tokens=1) for one in requests(layout)]
    plain, float8 = (
        Engine(decoder, layout, eos_ids=frozenset(), max_rows=3, quantization=one).generate(asked)
        for one in ("none", "float8")
    )
    assert len(quantised) % (2 * decoder.config.num_hidden_layers) == 0
    assert quantised
    assert [one.logprobs for one in plain] != [one.logprobs for one in float8]


def test_float8_is_refused_where_there_are_no_kernels(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    with pytest.raises(UsageError, match="here the device is cpu"):
        Engine(decoder, layout, eos_ids=EOS, quantization="float8")


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


def test_where_all_experts_are_in_use_others_wait_or_the_limit_gives_way(tmp_path: Path) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    pool = ExpertPool(layout, decoder.dtype, decoder.device)
    pool._limit = FIRST_PLACES
    expert = random_expert(layout, 0)
    for number in range(FIRST_PLACES - 1):
        pool.take(expert, str(number))
    assert pool.has_room(["3", "new"], must=False)
    assert not pool.has_room(["new", "newer"], must=False)
    pool.give_back(expert, "3")
    assert pool.has_room(["new", "newer"], must=False)
    assert not pool.has_room(["3", "new", "newer"], must=False), "its own idle one cannot leave for it"
    assert pool.has_room(["new", "newer", "newest"], must=True)
    places = {pool.take(expert, f"more {number}") for number in range(5)}
    assert len(places) == 5
    assert pool.generation == 2


def test_a_row_whose_experts_find_no_room_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout, "all-different")
    free = answers(decoder, layout, asked)
    request.getfixturevalue("fused")
    monkeypatch.setattr("semoe.generation.fused.pool.FIRST_PLACES", 4)
    monkeypatch.setattr("semoe.generation.fused.pool._most_places", lambda expert_bytes, device: 4)
    engine = Engine(decoder, layout, eos_ids=EOS, max_rows=3)
    for ours, theirs in zip(engine.generate(asked), free, strict=True):
        assert_same(ours, theirs)
    assert engine._runner._pool._pool_PM.shape[0] == 4  # type: ignore[attr-defined]


def test_an_expert_that_cannot_be_loaded_takes_nothing_with_it(tmp_path: Path, fused: None) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    good = random_expert(layout, 0)
    engine = Engine(decoder, layout, eos_ids=EOS, max_rows=1)
    for _ in range(3):
        bad = engine.submit(Request(prompt=(5, 6), experts=(good, good[:-1])))
        with pytest.raises((RuntimeError, IndexError)):
            engine.step()
        engine.pause(bad)
    (answer,) = engine.generate([Request(prompt=(5, 6), experts=(good,), max_new_tokens=2)])
    assert len(answer.tokens) == 2


def test_more_ranks_than_the_kernels_know_are_refused(tmp_path: Path, fused: None) -> None:
    decoder, layout = setting(tmp_path, "llama", 16)
    many = (random_expert(layout, 0),) * 17
    with pytest.raises(UsageError, match="272 ranks"):
        Engine(decoder, layout, eos_ids=EOS).generate([Request(prompt=(5,), experts=many)])


def test_an_engine_that_is_dropped_gives_its_memory_back(tmp_path: Path, fused: None) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    engine = Engine(decoder, layout, eos_ids=EOS, max_rows=2)
    engine.generate(requests(layout)[:2])
    runner = weakref.ref(engine._runner)
    gc.disable()
    try:
        del engine
        assert runner() is None
    finally:
        gc.enable()


def test_an_impossible_token_counts_nothing_in_the_entropy() -> None:
    logits_BV = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    logits_BV[1, 7] = -torch.inf
    slots_B = torch.arange(3, dtype=torch.int32)
    tokens_S, positions_S = torch.zeros(4, dtype=torch.int32), torch.zeros(4, dtype=torch.int32)
    chosen_B, logprobs_B, entropies_B = torch.zeros(3, dtype=torch.int32), torch.zeros(3), torch.zeros(3)
    choose(logits_BV, slots_B, tokens_S, positions_S, chosen_B, logprobs_B, entropies_B)
    expected = torch.distributions.Categorical(logits=logits_BV)
    assert chosen_B.tolist() == tokens_S[:3].tolist() == logits_BV.argmax(-1).tolist()
    assert positions_S.tolist() == [1, 1, 1, 0]
    torch.testing.assert_close(logprobs_B, logits_BV.log_softmax(-1).amax(-1))
    torch.testing.assert_close(entropies_B, expected.entropy(), rtol=1e-4, atol=1e-4)


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)
    free = answers(decoder, layout, asked)
    request.getfixturevalue("fused")
    most = list[int]()

    def has_room(self: Paging, num_places: int, *, must: bool) -> bool:
        most.append(len(self._pages))
        return must and self._grow(8, must=True)

    monkeypatch.setattr(Paging, "has_room", has_room)
    for ours, theirs in zip(answers(decoder, layout, asked), free, strict=True):
        assert_same(ours, theirs)
    assert max(most) == 1, "somebody waited while another ran"


def test_an_expert_that_has_left_the_device_is_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    decoder, layout = setting(tmp_path, "llama", 2)
    asked = requests(layout)[2:4]  # three experts, one after the other
    free = answers(decoder, layout, asked)
    request.getfixturevalue("fused")
    monkeypatch.setattr("semoe.generation.fused.pool.FIRST_PLACES", 2)
    monkeypatch.setattr("semoe.generation.fused.pool._most_places", lambda expert_bytes, device: 2)
    engine = Engine(decoder, layout, eos_ids=EOS, max_rows=1)
    for ours, theirs in zip(engine.generate(asked + asked), free + free, strict=True):
        assert_same(ours, theirs)
    assert engine._runner._pool.num_loads > 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("family", [pytest.param("llama", marks=pytest.mark.slow), "gemma3"])
def test_steps_that_are_captured_answer_as_the_others_do(
    tmp_path: Path, request: pytest.FixtureRequest, family: str
) -> None:
    decoder, layout = setting(tmp_path, family, 2)
    asked = requests(layout)
    theirs = answers(decoder, layout, asked)
    request.getfixturevalue("captured")
    for ours, other in zip(answers(decoder, layout, asked), theirs, strict=True):
        assert_same(ours, other)


def test_rows_that_a_captured_step_has_too_many_hold_no_chance_numbers(tmp_path: Path) -> None:
    decoder, _ = setting(tmp_path, "qwen3", 2)
    buffers = make_buffers(base_weights(decoder), 5, 4)
    for name in ("h_TD", "qkv_TC", "raw_qkv_TC", "mixed_TA", "gate_up_TI", "act_TI", "y_TD"):
        assert not getattr(buffers, name).any()


@pytest.mark.parametrize(
    ("shape", "padded"),
    [
        (Shape(3), Shape(4)),
        (Shape(200), Shape(256)),
        (Shape(1, 5, 1, 5), Shape(1, 16, 1, 16)),
        (Shape(70, 65, 2, 40), Shape(128, 128, 4, 64)),
        (Shape(33, 1196, 4, 299), Shape(64, 1280, 4, 1024)),
        (Shape(150, 8073, 27, 299), Shape(192, 8192, 64, 1024)),
    ],
)
def test_a_captured_step_has_room_for_all_of_the_step(shape: Shape, padded: Shape) -> None:
    found = shape.padded(max_rows=180, few_tokens=500)
    assert found == padded
    assert found.num_blocks >= shape.num_blocks


def test_steps_with_prompts_are_captured_in_few_sizes() -> None:
    shapes = {
        Shape(rows, prompts * length, prompts, length).padded(max_rows=256, few_tokens=9000)
        for rows in range(129, 257, 7)
        for prompts in range(1, 65)
        for length in range(17, 65)
    }
    assert len(shapes) <= 20


@pytest.mark.parametrize(("num_rows", "size"), [(1, 1), (3, 4), (64, 64), (65, 128), (129, 192), (512, 512)])
def test_steps_are_captured_in_few_sizes(num_rows: int, size: int) -> None:
    assert size_of(num_rows) == size
