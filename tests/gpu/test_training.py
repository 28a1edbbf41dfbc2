"""Training on a real GPU: the kernels' road beside float32 under autograd, at full size and in every family."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.shapes import LLAMA_1B, published_work, random_decoder
from semoe.experts.autograd import AutogradRoad, losses_and_gradients
from semoe.experts.base_weight import base_weight
from semoe.experts.fused.products import Float8Backward, Float8Head, Products
from semoe.experts.fused.road import FusedRoad
from semoe.experts.fused.stack import FusedStack
from semoe.experts.grouped import grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.packing import Step, pack
from semoe.experts.roads import road_for
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.training import train_experts
from semoe.kernels.float8 import quantise_rows, scaled_rows
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.prompts.rendering import TrainingSequence
from tests.experts.work import learnable, relative_difference
from tests.tiny import FAMILIES, tiny_model_folder

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]
DEVICE = torch.device("cuda")
SETTINGS = TrainingSettings()
NUM_EXPERTS = 6


def on_gpu(decoder: Decoder, dtype: torch.dtype = torch.float32) -> Decoder:
    return Decoder(decoder.config, {name: weight.to(DEVICE, dtype) for name, weight in decoder.weights.items()})


def by_autograd(decoder: Decoder, layout: ExpertLayout, stack_EN: Tensor, steps: list[Step]) -> Tensor:
    packed = pack(steps, SETTINGS).to(DEVICE)
    grads_EN = torch.zeros_like(stack_EN)
    losses_and_gradients(decoder, grouped_linear(layout, stack_EN, grads_EN, packed.segments), packed)
    return grads_EN


def begun(road: FusedRoad, stack_EN: Tensor, num_tokens: int) -> FusedStack:
    stack = road.stack(len(stack_EN), num_tokens)
    stack.begin(stack_EN)
    return stack


def by_kernels(
    decoder: Decoder, layout: ExpertLayout, stack_EN: Tensor, steps: list[Step], products: Products | None = None
) -> Tensor:
    packed = pack(steps, SETTINGS)
    road = FusedRoad(decoder, layout, stack_EN[0], SETTINGS, products or Products())
    stack = begun(road, stack_EN, len(packed.tokens_T))
    stack.losses_and_gradients(packed)
    return stack.gradients()


def error(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize("rank", [1, 2, 5, 16])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_autograd_in_every_family(tmp_path: Path, family: str, rank: int) -> None:
    decoder = on_gpu(load_decoder(tiny_model_folder(tmp_path / "m", family)))
    layout = ExpertLayout(decoder.config, LoraSettings(rank=rank))
    steps = [tuple(own) for own in learnable((5, 1, 3, 1))]
    stack_EN = torch.randn(4, layout.size, generator=torch.Generator().manual_seed(2)).to(DEVICE) * 0.02
    expected_EN = by_autograd(decoder, layout, stack_EN, steps)
    ours_EN = by_kernels(decoder, layout, stack_EN, steps)
    for ours_N, expected_N in zip(ours_EN.cpu(), expected_EN.cpu(), strict=True):
        assert relative_difference(layout, ours_N, expected_N) <= 5e-4


@pytest.fixture(scope="module")
def llama() -> Iterator[tuple[Decoder, Decoder, ExpertLayout, list[list[TrainingSequence]], Tensor]]:
    """In bfloat16, the same weights in float32, and experts that have begun to learn."""
    decoder = random_decoder(LLAMA_1B, torch.bfloat16, "cuda")
    layout = ExpertLayout(decoder.config, LoraSettings())
    draw = torch.Generator(device=DEVICE).manual_seed(3)
    noise_EN = torch.randn(NUM_EXPERTS, layout.size, generator=draw, device=DEVICE) * 0.002
    stack_EN = base_weight(layout).to(DEVICE) + noise_EN
    work = published_work(NUM_EXPERTS, decoder.config.vocab_size)
    yield decoder, on_gpu(decoder), layout, work, stack_EN
    torch.cuda.empty_cache()


@pytest.mark.parametrize(
    ("products", "factor"), [(Products(), 1.0), (Float8Head(), 1.0), (Float8Backward(), 3.0)], ids=lambda x: str(x)[:20]
)
def test_errors_of_full_size_gradients(llama: tuple, products: Products, factor: float) -> None:  # type: ignore[type-arg]
    """Against float32: no larger than those of plain bfloat16 under autograd; with float8 throughout three times."""
    decoder, exact, layout, work, stack_EN = llama
    steps = [(own[0],) for own in work]
    exact_EN = by_autograd(exact, layout, stack_EN, steps)
    plain = error(by_autograd(decoder, layout, stack_EN, steps), exact_EN)
    ours = error(by_kernels(decoder, layout, stack_EN, steps, products), exact_EN)
    assert ours <= factor * plain


def test_five_steps_learn_as_much_as_in_float32(llama: tuple) -> None:  # type: ignore[type-arg]
    decoder, exact, layout, work, _ = llama
    base_N = base_weight(layout).to(DEVICE)
    probe = pack([(work[0][0],)], SETTINGS).to(DEVICE)

    def loss(flat_N: Tensor) -> float:
        linear = grouped_linear(layout, flat_N[None], torch.zeros_like(flat_N)[None], probe.segments)
        return float(losses_and_gradients(exact, linear, probe)[0])

    def learnt(model: Decoder, road: AutogradRoad | FusedRoad) -> float:
        (first, *_) = sorted(train_experts(road, SETTINGS, work), key=lambda one: one.index)
        return loss(first.flat_N.to(DEVICE))

    before = loss(base_N)
    expected = learnt(exact, AutogradRoad(exact, layout, base_N, SETTINGS))
    for products in (Products(), Float8Head(), Float8Backward()):
        ours = learnt(decoder, FusedRoad(decoder, layout, base_N, SETTINGS, products))
        assert abs(ours - expected) <= 0.01 * (before - expected)


def test_rows_in_float8_are_rounded_as_torch_rounds_them() -> None:
    draw = torch.Generator(device=DEVICE).manual_seed(1)
    x_MW = torch.randn(64, 3072, generator=draw, device=DEVICE) * torch.logspace(-6, 6, 64, device=DEVICE)[:, None]
    rows_MW = torch.empty_like(x_MW, dtype=torch.float8_e4m3fn)
    scale_M = torch.empty(64, device=DEVICE)
    quantise_rows(x_MW, rows_MW, scale_M)
    expected_MW, scale_1M = scaled_rows(x_MW.T)
    torch.testing.assert_close(scale_M, scale_1M[0])
    # A scale may differ in its last bit, and move what lies at the border of two numbers.
    assert (rows_MW.float() != expected_MW.float()).float().mean() <= 1e-3


def test_nothing_of_a_neighbour_reaches_an_expert(llama: tuple) -> None:  # type: ignore[type-arg]
    """Bit for bit: with the others' tokens and numbers replaced, of the same lengths."""
    decoder, _, layout, work, stack_EN = llama
    steps = [(own[0],) for own in work]
    others = [(TrainingSequence(step[0].tokens[::-1], 1),) for step in steps]
    mixed_EN = stack_EN.flip(1)
    mixed_EN[2] = stack_EN[2]
    alone = by_kernels(decoder, layout, stack_EN, steps)[2]
    among = by_kernels(decoder, layout, mixed_EN, [*others[:2], steps[2], *others[3:]])[2]
    assert torch.equal(alone, among)


def test_the_road_of_a_gpu_trains_as_the_road_of_a_cpu(tmp_path: Path) -> None:
    """In float32, with experts that end at different steps."""
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"))
    layout = ExpertLayout(decoder.config, LoraSettings())
    base_N = base_weight(layout)
    work = learnable((5, 3, 6, 4))
    gpu = road_for(on_gpu(decoder), layout, base_N, SETTINGS)
    assert isinstance(gpu, FusedRoad)
    ours = sorted(train_experts(gpu, SETTINGS, work, tokens_per_step=60), key=lambda one: one.index)
    theirs = train_experts(AutogradRoad(decoder, layout, base_N, SETTINGS), SETTINGS, work)
    for one, other in zip(ours, sorted(theirs, key=lambda one: one.index), strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-4)
        assert relative_difference(layout, one.flat_N, other.flat_N) <= 1e-3


def test_where_memory_does_not_reach_batches_are_halved(caplog: pytest.LogCaptureFixture) -> None:
    decoder = random_decoder(LLAMA_1B | {"num_hidden_layers": 2, "vocab_size": 1024}, torch.bfloat16, "cuda")
    layout = ExpertLayout(decoder.config, LoraSettings())
    work = published_work(24, decoder.config.vocab_size)
    road = road_for(decoder, layout, base_weight(layout), SETTINGS)
    whole = {one.index: one.loss for one in train_experts(road, SETTINGS, work)}
    road = road_for(decoder, layout, base_weight(layout), SETTINGS)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(DEVICE).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + (600 << 20)) / total)
    try:
        with caplog.at_level(logging.WARNING):
            found = {one.index: one.loss for one in train_experts(road, SETTINGS, work, tokens_per_step=100_000)}
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "half as many" in caplog.text
    assert found == pytest.approx(whole, rel=1e-2)
