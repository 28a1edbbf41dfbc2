"""Training experts: ours in a batch against PEFT one at a time. `python -m benchmarks.training`."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.common import peft_model, product_rate, real_sequences, setting, useful_flops
from benchmarks.products import products_of
from benchmarks.timing import describe
from semoe.experts.autograd import AutogradRoad
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.experts.settings import TrainingSettings
from semoe.experts.training import train_experts
from semoe.models.decoder import Decoder
from semoe.models.model import Model, load_model
from semoe.prompts.rendering import TrainingSequence

NUM_EXPERTS = {"semoe": 16, "published": 5}
ROUNDS = 5
PADDED = 3000


def main() -> None:
    """Prints ratios and shares of the matrix-product rate, one block a preset."""
    model, layout = setting()
    base_N = base_weight(layout)
    bf16 = load_model("smollm2", dtype=torch.bfloat16).decoder
    rates = (product_rate(model.decoder) / 1e9, product_rate(bf16) / 1e9)
    print(f"largest matrix products: {rates[0]:.0f} GFLOP/s float32, {rates[1]:.0f} bfloat16")
    for name, count in NUM_EXPERTS.items():
        preset = load_preset(name)
        # One pass over the sequences: a steady state, whatever the preset's number of steps.
        settings = replace(preset.training, num_steps=None, num_epochs=1)
        sequences = real_sequences(model, preset, count)
        check(model, layout, base_N, settings, sequences[0])
        report(name, model, bf16, layout, base_N, settings, sequences)
    print(describe())


def report(
    name: str,
    model: Model,
    bf16: Decoder,
    layout: ExpertLayout,
    base_N: Tensor,
    settings: TrainingSettings,
    sequences: Sequence[Sequence[TrainingSequence]],
) -> None:
    """Measures one kind of sequences; float32, its products and bfloat16 take turns, so all see the same machine."""
    flat = [s for own in sequences for s in own]
    answer_only = settings.loss == "answer"
    work = useful_flops(model.decoder, flat, answer_only=answer_only)

    def train(decoder: Decoder) -> None:
        list(train_experts(AutogradRoad(decoder, layout, base_N, settings), settings, sequences))

    products = products_of(lambda: train(model.decoder))
    of_bf16 = products_of(lambda: train(bf16))
    rounds = [
        (seconds_of(train, model.decoder), products.seconds(), seconds_of(train, bf16), of_bf16.seconds())
        for _ in range(ROUNDS)
    ]
    seconds, _, half, _ = (statistics.median(column) for column in zip(*rounds, strict=True))
    share = statistics.median(product / took for took, product, _, _ in rounds)
    half_share = statistics.median(product / took for _, _, took, product in rounds)
    faster = statistics.median(took / other for took, _, other, _ in rounds)
    few = sequences[:2]
    peft = peft_seconds(model, layout, base_N, settings, few)
    peft_rate = useful_flops(model.decoder, [s for own in few for s in own], answer_only=answer_only) / peft
    mean = sum(len(s.tokens) for s in flat) / len(flat)
    print(f"\n{name}: {len(sequences)} experts, {len(flat)} sequences of {mean:.0f} tokens, medians of {ROUNDS}")
    print(f"  ours, float32      {work / seconds / 1e9:6.0f} GFLOP/s; its products alone take {share:.2f} of the time")
    print(
        f"                     {len(sequences) / seconds:6.2f} experts/s, {work / seconds / peft_rate:.2f} x PEFT alone"
    )
    print(
        f"  ours, bfloat16     {work / half / 1e9:6.0f} GFLOP/s; its products alone take {half_share:.2f} of the time"
    )
    print(f"                     {faster:.2f} x our float32")
    print(f"  PEFT one at a time {peft_rate / 1e9:6.0f} GFLOP/s")
    if name == "published":
        one = [few[0][:1]]
        padded = peft_seconds(model, layout, base_N, settings, one, padded=PADDED)
        ratio = padded / (useful_flops(model.decoder, one[0], answer_only=answer_only) / (work / seconds))
        print(f"  published loop, padded to {PADDED}: {ratio:.0f} x slower than ours")


def seconds_of(train: Callable[[Decoder], None], decoder: Decoder) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    train(decoder)
    return time.perf_counter() - start


def peft_seconds(
    model: Model,
    layout: ExpertLayout,
    base_N: Tensor,
    settings: TrainingSettings,
    sequences: Sequence[Sequence[TrainingSequence]],
    padded: int = 0,
) -> float:
    """Seconds of PEFT's training, loading not counted."""
    wrapped = peft_model(model, layout, base_N)
    start = time.perf_counter()
    for own in sequences:
        train_alone(wrapped, settings, own, padded)
    return time.perf_counter() - start


def train_alone(
    wrapped: torch.nn.Module, settings: TrainingSettings, own: Sequence[TrainingSequence], padded: int
) -> None:
    """One expert with PEFT's layers and torch's AdamW, batch by batch, as transformers computes the loss."""
    parameters = [p for p in wrapped.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    for start in range(0, len(own), settings.batch_size):
        batch = own[start : start + settings.batch_size]
        width = max(padded, *(len(s.tokens) for s in batch), 1)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        # Transformers leaves tokens with this label out of the loss.
        labels = torch.full((len(batch), width), -100)
        mask = torch.zeros_like(ids)
        for row, s in enumerate(batch):
            first = s.loss_from if settings.loss == "answer" else 0
            ids[row, : len(s.tokens)] = torch.tensor(s.tokens)
            mask[row, : len(s.tokens)] = 1
            labels[row, first : len(s.tokens)] = torch.tensor(s.tokens[first:])
        optimiser.zero_grad()
        wrapped(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        optimiser.step()


def check(
    model: Model, layout: ExpertLayout, base_N: Tensor, settings: TrainingSettings, own: Sequence[TrainingSequence]
) -> None:
    """Stops the benchmark if both sides do not train the same expert."""
    one_by_one = replace(settings, batch_size=1)
    (ours,) = train_experts(AutogradRoad(model.decoder, layout, base_N, one_by_one), one_by_one, [own])
    wrapped = peft_model(model, layout, base_N)
    train_alone(wrapped, one_by_one, own, 0)
    named = {n.replace(".default", ""): p.detach() for n, p in wrapped.named_parameters() if p.requires_grad}
    theirs_N = layout.join(named)
    change = float((theirs_N - base_N).norm())
    difference = float((ours.flat_N - theirs_N).norm()) / change
    if difference > 1e-2:
        raise SystemExit(f"ours and PEFT differ by {difference:.1e} of the change: no figure is printed")
    print(f"checked: ours and PEFT differ by {difference:.1e} of what training changed")


if __name__ == "__main__":
    main()
