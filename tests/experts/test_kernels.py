"""The GPU road computes what the decoder under autograd computes, here in Triton's interpreter."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from semoe.experts.autograd import losses_and_gradients
from semoe.experts.fused.buffers import Buffers
from semoe.experts.fused.products import Products
from semoe.experts.fused.road import FusedRoad
from semoe.experts.fused.stack import FusedStack
from semoe.experts.grouped import grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.packing import PackedStep, pack
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.prompts.rendering import TrainingSequence
from tests.experts.work import relative_difference
from tests.tiny import FAMILIES, tiny_model_folder

TOLERANCE = 1e-4
MLP = ("gate_proj", "up_proj", "down_proj")


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
@pytest.mark.parametrize(
    ("family", "rank", "targets"),
    [(family, 2, MLP) for family in FAMILIES]
    + [("llama", 1, MLP), ("gemma3", 3, MLP), ("qwen2", 5, MLP), ("llama", 2, ("down_proj",)), ("llama", 2, MLP[:1])],
)
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
