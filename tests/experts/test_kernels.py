"""The GPU road computes what the decoder under autograd computes, here in Triton's interpreter."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from semoe.experts.autograd import AutogradRoad, losses_and_gradients
from semoe.experts.base_weight import base_weight
from semoe.experts.fused.buffers import Buffers, make_buffers
from semoe.experts.fused.products import Products
from semoe.experts.fused.road import FusedRoad
from semoe.experts.fused.stack import FusedStack
from semoe.experts.fused.weights import base_weights
from semoe.experts.grouped import grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.packing import PackedStep, pack
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.training import train_experts
from semoe.kernels.cross_entropy import cross_entropy_float8
from semoe.kernels.float8 import quantise_rows, scaled_rows
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.prompts.rendering import TrainingSequence
from tests.experts.work import relative_difference
from tests.tiny import FAMILIES, tiny_model_folder

TOLERANCE = 1e-4
MLP = ("gate_proj", "up_proj", "down_proj")
TELLING = [
    ("llama", 1, MLP), ("llama-bias", 2, MLP), ("qwen2", 5, MLP), ("qwen3", 2, MLP), ("longrope-rope", 2, MLP),
    ("qwen2-window", 2, MLP), ("gemma3", 3, MLP), ("llama", 2, ("down_proj",)), ("llama", 2, MLP[:1]),
]  # fmt: skip
"""Each part of a family and each kind of rank once."""
IN_OTHERS = [pytest.param(family, 2, MLP, marks=pytest.mark.slow) for family in FAMILIES]
"""All families: what kernels meet in one, such as another table of angles, they meet in the telling ones too."""


def steps_of(*lengths: Sequence[int]) -> list[tuple[TrainingSequence, ...]]:
    """One step of some experts, with sequences of these lengths."""
    draw = torch.Generator().manual_seed(1)
    return [
        tuple(TrainingSequence(tuple(torch.randint(0, 97, (length,), generator=draw).tolist()), 1) for length in own)
        for own in lengths
    ]


def setting(tmp_path: Path, family: str, rank: int = 2, targets: tuple[str, ...] = MLP) -> tuple[Decoder, ExpertLayout]:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family))
    return decoder, ExpertLayout(decoder.config, LoraSettings(rank=rank, target_modules=targets))


def poisoned(buffers: Buffers) -> Buffers:
    """What nobody wrote must not be read: it is no number."""
    for record in (*buffers.layers, buffers.passing):
        for name in record.__slots__:
            if (value := getattr(record, name)) is not None:
                value.fill_(float("nan"))
    return buffers


def by_kernels(decoder: Decoder, layout: ExpertLayout, stack_EN: torch.Tensor, packed: PackedStep) -> FusedStack:
    road = FusedRoad(decoder, layout, stack_EN[0], TrainingSettings(), Products())
    stack = road.stack(len(stack_EN), len(packed.tokens_T) + 3)
    poisoned(road._buffers)  # type: ignore[arg-type]
    stack.begin(stack_EN)
    return stack


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("family", "rank", "targets"), [*TELLING, *IN_OTHERS])
def test_losses_and_gradients_equal_those_of_autograd(
    tmp_path: Path, family: str, rank: int, targets: tuple[str, ...]
) -> None:
    decoder, layout = setting(tmp_path, family, rank, targets)
    packed = pack(steps_of((9,), (), (17, 2), (1, 3)), TrainingSettings())
    stack_EN = torch.randn(4, layout.size, generator=torch.Generator().manual_seed(2)) * 0.02
    expected_EN = torch.zeros_like(stack_EN)
    losses_E = losses_and_gradients(decoder, grouped_linear(layout, stack_EN, expected_EN, packed.segments), packed)
    stack = by_kernels(decoder, layout, stack_EN, packed)
    torch.testing.assert_close(stack.losses_and_gradients(packed), losses_E)
    for expert in (0, 2, 3):
        assert relative_difference(layout, stack.gradients()[expert], expected_EN[expert]) <= TOLERANCE
    assert not stack.gradients()[1].any(), "an expert without tokens"


@pytest.mark.filterwarnings("ignore")
def test_experts_are_trained_as_by_autograd(tmp_path: Path) -> None:
    """Through the trainer: several batches, and experts that end at different steps."""
    decoder, layout = setting(tmp_path, "llama", targets=("up_proj", "down_proj"))
    base_N = base_weight(layout)
    settings = TrainingSettings(batch_size=2, weight_decay=0.1)
    work = [steps_of(lengths)[0] for lengths in ((7, 3, 5), (6,), (4, 9))]
    roads = (FusedRoad(decoder, layout, base_N, settings, Products()), AutogradRoad(decoder, layout, base_N, settings))
    ours, theirs = (
        sorted(train_experts(road, settings, work, tokens_per_step=16), key=lambda one: one.index) for road in roads
    )
    for one, other in zip(ours, theirs, strict=True):
        assert (one.index, one.num_tokens, one.num_learnt) == (other.index, other.num_tokens, other.num_learnt)
        assert one.loss == pytest.approx(other.loss, rel=1e-4)
        assert relative_difference(layout, one.flat_N, other.flat_N) <= TOLERANCE


def test_rows_that_float8_can_hold_come_back_exactly() -> None:
    """Rounding is left to the GPU's tests: Triton's interpreter rounds float8 in a way of its own."""
    held_MW = torch.randn(5, 48, generator=torch.Generator().manual_seed(1)).to(torch.float8_e4m3fn).float()
    held_MW[:, 7] = -448
    held_MW[3] = 0
    x_MW = held_MW * torch.tensor([2.0**-20, 1, 64, 1, 2.0**40])[:, None]
    rows_MW = torch.empty(5, 48, dtype=torch.float8_e4m3fn)
    scale_M = torch.empty(5)
    quantise_rows(x_MW, rows_MW, scale_M)
    assert torch.equal(rows_MW.float(), held_MW)
    assert torch.equal(rows_MW.float() * scale_M[:, None], x_MW)
    columns_MW, scale_1M = scaled_rows(x_MW.T)
    assert columns_MW.is_contiguous()
    assert torch.equal(columns_MW.float() * scale_1M.T, x_MW)


def test_cross_entropy_in_float8_gives_exact_losses_and_nearly_the_gradient() -> None:
    draw = torch.Generator().manual_seed(1)
    logits_MV = torch.randn(6, 97, generator=draw) * 3
    labels_M = torch.randint(0, 97, (6,), generator=draw)
    weights_M = torch.rand(6, generator=draw)
    weights_M[4] = 0
    leaf_MV = logits_MV.clone().requires_grad_()
    expected_M = torch.nn.functional.cross_entropy(leaf_MV, labels_M, reduction="none") * weights_M
    expected_M.sum().backward()
    assert leaf_MV.grad is not None
    losses_M = torch.empty(6)
    scales_M = torch.empty(6)
    shares_MV = torch.empty(6, 97, dtype=torch.float8_e4m3fn)
    cross_entropy_float8(logits_MV, labels_M, weights_M, losses_M, shares_MV, scales_M)
    torch.testing.assert_close(losses_M, expected_M.detach())
    found_MV = shares_MV.float() * scales_M[:, None]
    found_MV[torch.arange(6), labels_M] -= weights_M
    assert float((found_MV - leaf_MV.grad).norm() / leaf_MV.grad.norm()) <= 0.03


def test_joined_weights_are_kept_once(tmp_path: Path) -> None:
    decoder, _ = setting(tmp_path, "llama-bias")
    before = {name: weight.clone() for name, weight in decoder.weights.items()}
    first, again = base_weights(decoder), base_weights(decoder)
    assert all(torch.equal(decoder.weights[name], weight) for name, weight in before.items())
    for one, other in zip(first.layers, again.layers, strict=True):
        assert one.qkv.weight_OI.data_ptr() == other.qkv.weight_OI.data_ptr()
        assert one.gate_up.weight_OI.data_ptr() == other.gate_up.weight_OI.data_ptr()
    gate = decoder.weights["model.layers.1.mlp.gate_proj.weight"]
    assert gate.data_ptr() == first.layers[1].gate_up.weight_OI.data_ptr()


def test_a_step_takes_as_many_tokens_as_free_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder, layout = setting(tmp_path, "gemma3")
    road = FusedRoad(decoder, layout, base_weight(layout), TrainingSettings(), Products())
    free = 50_000_000
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    num_tokens = road.tokens_per_step(30)
    buffers = make_buffers(base_weights(decoder), layout.lora.rank, num_tokens, 1)
    tensors = [getattr(one, name) for one in (*buffers.layers, buffers.passing) for name in one.__slots__]
    taken = sum(one.numel() * one.element_size() for one in tensors if one is not None)
    assert 0.2 * free < taken < free
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1 << 50, 1 << 50))
    assert road.tokens_per_step(30) == 32768
