"""The batched trainer: many experts at once over one frozen base, one optimiser step for all.

    E experts of one batch   N numbers of one expert

Called by `encode` and the benchmarks. Each expert gets what it would get if it were trained alone: nothing of a
neighbour enters its rows, its loss or its moments (`tests/experts/test_equivalence.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.errors import UsageError
from semoe.experts.adamw import StackedAdamW
from semoe.experts.grouped import Segments, grouped_linear
from semoe.experts.layout import ExpertLayout
from semoe.experts.loss import cross_entropy
from semoe.experts.packing import PackedStep, Step, pack, schedule
from semoe.experts.settings import TrainingSettings
from semoe.models.attention import PackedAttention, lengths_of, positions_of
from semoe.models.decoder import Decoder, Linear
from semoe.prompts.rendering import TrainingSequence

OnStep = Callable[[float], None]
MakeLinear = Callable[[ExpertLayout, Tensor, Tensor, Segments], Linear]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedExpert:
    """What training one expert gave."""

    index: int
    """Position in what was asked for."""
    flat_N: Tensor
    loss: float
    """Loss of its last step, before that step's update."""
    num_tokens: int
    """Tokens it was trained on, repetitions counted."""


def train_experts(
    decoder: Decoder,
    layout: ExpertLayout,
    base_N: Tensor,
    settings: TrainingSettings,
    sequences: Sequence[Sequence[TrainingSequence]],
    *,
    tokens_per_step: int = 2048,
    make_linear: MakeLinear = grouped_linear,
    on_step: OnStep = lambda experts: None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[TrainedExpert]:
    """Trains one expert for each list of sequences, from the same base weight; yields them as batches finish.

    Args:
        decoder: the frozen base model.
        layout: the experts' shape.
        base_N: the base weight that every expert starts from.
        settings: the recipe.
        sequences: what each expert learns.
        tokens_per_step: packed tokens of one optimiser step; decides memory and speed, not the result.
        make_linear: the expert layer, `grouped_linear` or `reference_linear`.
        on_step: told after each step how much was done, in experts: steps add up to the number of experts.
        stop: asked before each batch; True ends the work.

    Raises:
        UsageError: an expert has no sequences.
    """
    schedules = [schedule(own, settings) for own in sequences]
    for index, steps in enumerate(schedules):
        if not steps:
            raise UsageError(f"Expert {index} has nothing to learn: its passage has no sequences.", kind="no-sequences")
    for batch in _batches(schedules, tokens_per_step):
        if stop():
            return
        yield from _train_batch(
            decoder, layout, base_N, settings, {i: schedules[i] for i in batch}, make_linear, on_step
        )


def _batches(schedules: Sequence[Sequence[Step]], tokens_per_step: int) -> Iterator[list[int]]:
    """Groups experts with equally many steps first, so that few batches outlive their first experts."""
    batch: list[int] = []
    used = 0
    for index in sorted(range(len(schedules)), key=lambda i: -len(schedules[i])):
        need = max(sum(len(s.tokens) for s in step) for step in schedules[index])
        if batch and used + need > tokens_per_step:
            yield batch
            batch = []
            used = 0
        batch.append(index)
        used += need
    if batch:
        yield batch


def _train_batch(
    decoder: Decoder,
    layout: ExpertLayout,
    base_N: Tensor,
    settings: TrainingSettings,
    schedules: dict[int, Sequence[Step]],
    make_linear: MakeLinear,
    on_step: OnStep,
) -> Iterator[TrainedExpert]:
    stack_EN = base_N.to(decoder.device).repeat(len(schedules), 1)
    grads_EN = torch.empty_like(stack_EN)
    optimiser = StackedAdamW(stack_EN, settings.learning_rate, settings.weight_decay)
    last_loss_E = torch.zeros(len(schedules), device=decoder.device)
    num_steps = max(map(len, schedules.values()))
    for step in range(num_steps):
        # Schedules are sorted from long to short: those that still learn are a prefix of the stack.
        learning = [steps[step] for steps in schedules.values() if step < len(steps)]
        n = len(learning)
        packed = pack(learning, settings, decoder.device)
        linear = make_linear(layout, stack_EN[:n], grads_EN[:n].zero_(), packed.segments)
        last_loss_E[:n] = losses_and_gradients(decoder, linear, packed)
        optimiser.step(grads_EN[:n])
        on_step(len(schedules) / num_steps)
    for row, (index, steps) in enumerate(schedules.items()):
        # Cloned: on a CPU the row is a view, and one expert would keep the whole stack in memory.
        flat_N = stack_EN[row].cpu().clone()
        tokens = sum(len(s.tokens) for step in steps for s in step)
        yield TrainedExpert(index=index, flat_N=flat_N, loss=float(last_loss_E[row]), num_tokens=tokens)


def losses_and_gradients(decoder: Decoder, linear: Linear, packed: PackedStep) -> Tensor:
    """Runs forward and backward; returns each expert's loss, [E]. Gradients land where `linear` keeps them."""
    attend = PackedAttention(packed.lengths, decoder.device)
    positions_T = positions_of(packed.lengths).to(decoder.device)
    lengths_T = lengths_of(packed.lengths).to(decoder.device)
    with torch.enable_grad():
        hidden_TD = decoder.hidden(packed.tokens_T, positions_T, attend, linear, lengths_T=lengths_T)
        learnt_MD = hidden_TD.index_select(0, packed.learnt_M)
        losses_M = cross_entropy(learnt_MD, decoder.weights["lm_head.weight"], packed.labels_M, packed.weights_M)
        losses_M.sum().backward()
    return losses_M.detach().new_zeros(len(packed.segments)).index_add(0, packed.expert_M, losses_M.detach())
