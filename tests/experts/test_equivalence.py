"""Training many experts at once gives, for each, what PEFT and torch's AdamW give it alone."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

from semoe.experts.adamw import StackedAdamW
from semoe.experts.autograd import AutogradRoad, MakeLinear, losses_and_gradients
from semoe.experts.base_weight import base_weight
from semoe.experts.grouped import grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.loss import cross_entropy, cross_entropy_reference
from semoe.experts.packing import pack, schedule
from semoe.experts.reference import reference_linear
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.experts.training import train_experts
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from semoe.models.sites import PROJECTIONS, Site
from semoe.prompts.rendering import TrainingSequence
from tests.experts.work import learnable, relative_difference
from tests.tiny import FAMILIES, tiny_model, tiny_model_folder

TOLERANCE = 1e-4


def train_with_peft(
    family: str,
    layout: ExpertLayout,
    base_N: torch.Tensor,
    settings: TrainingSettings,
    own: list[TrainingSequence],
) -> torch.Tensor:
    """One expert alone: PEFT's layers, autograd, torch's AdamW, one sequence after the other."""
    lora = layout.lora
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.target_modules), lora_dropout=0.0)
    model = get_peft_model(tiny_model(family), config)
    set_peft_model_state_dict(model, layout.split(base_N.clone()))
    parameters = [p for name, p in model.named_parameters() if "lora_" in name]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    for step in schedule(own, settings):
        losses = []
        for sequence in step:
            logits = model(torch.tensor([sequence.tokens])).logits[0, :-1]
            labels = torch.tensor(sequence.tokens[1:])
            first = max(1, sequence.loss_from if settings.loss == "answer" else 1) - 1
            losses.append(F.cross_entropy(logits[first:], labels[first:], reduction="none"))
        mean = (
            torch.cat(losses).mean()
            if settings.reduction == "token"
            else torch.stack([x.mean() for x in losses]).mean()
        )
        optimiser.zero_grad()
        mean.backward()
        optimiser.step()
    return layout.join({name: tensor.detach() for name, tensor in get_peft_model_state_dict(model).items()})


# One pass each: AdamW divides by the size of a gradient, so numbers whose gradient is nearly zero grow
# float32's rounding (ours or PEFT's) with every further step, and a longer run would measure that.
RECIPES = {
    "published": TrainingSettings(),
    "semoe": TrainingSettings(num_steps=3, batch_size=2, loss="answer", reduction="sequence", weight_decay=0.0),
    "token-mean-of-two": TrainingSettings(batch_size=2),
}


FAMILIES_AND_RANKS = [("llama", 2), ("llama", 8), ("qwen2", 2), ("qwen2", 8), ("mistral-window", 2), ("gemma3", 3)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(("family", "rank"), FAMILIES_AND_RANKS)
def test_each_expert_of_a_batch_equals_peft_alone(tmp_path: Path, family: str, rank: int, recipe: str) -> None:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family))
    layout = ExpertLayout(decoder.config, LoraSettings(rank=rank, alpha=32))
    base_N, settings, sequences = base_weight(layout), RECIPES[recipe], learnable((5, 3, 6, 4))
    road = AutogradRoad(decoder, layout, base_N, settings)
    trained = sorted(train_experts(road, settings, sequences), key=lambda t: t.index)
    for expert, own in zip(trained, sequences, strict=True):
        alone_N = train_with_peft(family, layout, base_N, settings, own)
        assert relative_difference(layout, expert.flat_N, alone_N) <= TOLERANCE
        assert not torch.allclose(expert.flat_N, base_N, atol=1e-4), "training must change the expert"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_equal_those_of_peft_alone_in_every_family(tmp_path: Path, family: str) -> None:
    """Every projection holds an expert, so that each part of a layer passes a gradient on."""
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", family))
    layout = ExpertLayout(decoder.config, LoraSettings(target_modules=PROJECTIONS))
    # From short to long: a dynamic scaling in transformers remembers the longest sequence that it saw.
    steps = [tuple(sorted(own, key=lambda one: len(one.tokens))) for own in learnable((5, 1, 3))]
    stack_EN = torch.randn(3, layout.size, generator=torch.Generator().manual_seed(2)) * 0.05
    grads_EN, packed = torch.zeros_like(stack_EN), pack(steps, TrainingSettings())
    losses_and_gradients(decoder, grouped_linear(layout, stack_EN, grads_EN, packed.segments), packed)
    for flat_N, ours_N, own in zip(stack_EN, grads_EN, steps, strict=True):
        assert relative_difference(layout, ours_N, gradients_with_peft(family, layout, flat_N, own)) <= TOLERANCE


def gradients_with_peft(
    family: str, layout: ExpertLayout, flat_N: torch.Tensor, own: tuple[TrainingSequence, ...]
) -> torch.Tensor:
    """Of the mean over all tokens, by autograd through PEFT's layers."""
    lora = layout.lora
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.target_modules), lora_dropout=0.0)
    model = get_peft_model(tiny_model(family), config)
    set_peft_model_state_dict(model, layout.split(flat_N.clone()))
    losses = []
    for sequence in own:
        ids = torch.tensor([sequence.tokens])
        losses.append(F.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="none"))
    torch.cat(losses).mean().backward()
    grads = {name.replace(".default", ""): p.grad for name, p in model.named_parameters() if "lora_" in name}
    return layout.join({name: grad for name, grad in grads.items() if grad is not None})


def make_road(decoder: Decoder, layout: ExpertLayout, make_linear: MakeLinear) -> AutogradRoad:
    return AutogradRoad(decoder, layout, base_weight(layout), TrainingSettings(), make_linear)


def test_all_projections_can_hold_an_expert(tmp_path: Path) -> None:
    decoder, layout = tiny_setting(
        tmp_path, ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    )
    fast, plain = (
        list(train_experts(make_road(decoder, layout, make), TrainingSettings(), learnable((3, 2))))
        for make in (grouped_linear, reference_linear)
    )
    for ours, reference in zip(fast, plain, strict=True):
        assert relative_difference(layout, ours.flat_N, reference.flat_N) <= TOLERANCE


@pytest.mark.parametrize("counts", [(1,), (4, 4, 4), (5, 1, 3), (2, 7, 1, 1, 6)])
def test_grouped_linear_trains_as_the_reference_does(tmp_path: Path, counts: tuple[int, ...]) -> None:
    decoder, layout = tiny_setting(tmp_path)
    fast, plain = (
        list(train_experts(make_road(decoder, layout, make), TrainingSettings(), learnable(counts)))
        for make in (grouped_linear, reference_linear)
    )
    for ours, reference in zip(fast, plain, strict=True):
        assert ours.index == reference.index
        assert relative_difference(layout, ours.flat_N, reference.flat_N) <= TOLERANCE


@pytest.mark.parametrize(
    "segments", [((0, 5), (5, 6), (6, 13)), ((0, 13), (13, 13), (13, 13)), ((0, 0), (0, 1), (1, 13))]
)
def test_grouped_linear_equals_the_reference_in_output_and_gradients(
    tmp_path: Path, segments: tuple[tuple[int, int], ...]
) -> None:
    """Also for an expert without rows, and for all rows of one expert."""
    decoder, layout = tiny_setting(tmp_path)
    site, weight = Site(1, "up_proj"), decoder.weights["model.layers.1.mlp.up_proj.weight"]
    stack, x, dy = torch.randn(3, layout.size), torch.randn(13, 36), torch.randn(13, 52)
    seen = []
    for make in (grouped_linear, reference_linear):
        grads, leaf = torch.zeros_like(stack), x.clone().requires_grad_()
        y = make(layout, stack, grads, segments)(site, leaf, weight, None)
        y.backward(dy)
        seen.append((y.detach(), leaf.grad, grads))
    for ours, reference in zip(*seen, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-4)


def test_an_expert_depends_on_no_neighbour(tmp_path: Path) -> None:
    decoder, layout = tiny_setting(tmp_path)
    sequences = learnable((3, 5, 2, 4))
    base_N, settings = base_weight(layout), TrainingSettings(learning_rate=1e-3)
    road = AutogradRoad(decoder, layout, base_N, settings)
    together = {t.index: t.flat_N for t in train_experts(road, settings, sequences)}
    small = {t.index: t.flat_N for t in train_experts(road, settings, sequences, tokens_per_step=1)}
    assert together.keys() == small.keys() == {0, 1, 2, 3}
    for index, flat_N in together.items():
        assert relative_difference(layout, flat_N, small[index]) <= TOLERANCE


def test_stacked_adamw_equals_one_torch_adamw_per_expert() -> None:
    torch.manual_seed(0)
    start, steps = torch.randn(3, 11), (10, 6, 1)
    stack = start.clone()
    optimiser = StackedAdamW(stack, 1e-2, 0.01)
    gradients = [torch.randn(3, 11) for _ in range(10)]
    for number, gradient in enumerate(gradients):
        optimiser.step(gradient[: sum(number < count for count in steps)])
    for row, count in enumerate(steps):
        alone = start[row].clone().requires_grad_()
        torchs = torch.optim.AdamW([alone], lr=1e-2, weight_decay=0.01)
        for gradient in gradients[:count]:
            alone.grad = gradient[row].clone()
            torchs.step()
        torch.testing.assert_close(stack[row], alone.detach(), rtol=1e-6, atol=1e-7)


def test_cross_entropy_equals_its_reference_over_many_blocks() -> None:
    torch.manual_seed(0)
    head, labels, weights = torch.randn(97, 36), torch.randint(0, 97, (600,)), torch.rand(600)
    hidden, seen = torch.randn(600, 36) * 3, []
    for function in (cross_entropy, cross_entropy_reference):
        leaf = hidden.clone().requires_grad_()
        losses = function(leaf, head, labels, weights)
        losses.sum().backward()
        seen.append((losses.detach(), leaf.grad))
    for ours, reference in zip(*seen, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-5)


def tiny_setting(
    tmp_path: Path, targets: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")
) -> tuple[Decoder, ExpertLayout]:
    decoder = load_decoder(tiny_model_folder(tmp_path / "m", "llama"))
    return decoder, ExpertLayout(decoder.config, LoraSettings(target_modules=targets))
