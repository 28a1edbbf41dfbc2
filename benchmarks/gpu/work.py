"""The rows of the benchmark: which model, which recipe, by what. Runs one of them, and returns its figures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from benchmarks.gpu.store import place, published
from benchmarks.shapes import LLAMA_1B, PUBLISHED, SEMOE, SMOLLM2_135M, published_work, random_decoder, semoe_work
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings, TrainingSettings
from semoe.models.decoder import Decoder
from semoe.models.sites import projection_shapes
from semoe.prompts.rendering import TrainingSequence
from semoe.store.objects import Objects

GIB = 1 << 30
Work = Sequence[Sequence[TrainingSequence]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing to measure."""

    name: str
    what: str
    by: str = "kernels"
    """`kernels`, `before` (an earlier commit), `peft`, `published`."""
    model: str = "llama-1b"
    dtype: str = "bfloat16"
    num_experts: int = 128
    """At a time."""
    float8: bool = False
    into_store: str = ""
    """Where experts are published as well: `folder` or `s3`, both on this machine."""
    seconds: float = 60.0
    """To run for, at least."""


ROWS: tuple[Row, ...] = (
    Row(name="published", what="published loop, padded to 3,000, one expert at a time", by="published", dtype="float32",
        seconds=15),
    Row(name="peft", what="PEFT, one expert at a time, unpadded", by="peft", seconds=15),
    Row(name="before", what="an earlier commit, its best batch", by="before", num_experts=240, seconds=30),
    *(
        Row(name=f"bf16-{n}", what=f"bfloat16, {n} experts at a time", num_experts=n, seconds=5)
        for n in (1, 4, 16, 64)
    ),
    Row(name="bf16-72", what="bfloat16, 72 experts at a time", num_experts=72, seconds=20),
    Row(name="bf16-128", what="bfloat16, 128 experts at a time"),
    Row(name="float8-128", what="the same, gradients in float8", float8=True),
    Row(name="store-128", what="bfloat16, 128 at a time, published to a folder", into_store="folder"),
    Row(name="store-s3-128", what="bfloat16, 128 at a time, published to an S3 server on loopback", into_store="s3"),
    Row(name="float32-64", what="float32, 64 experts at a time", dtype="float32", num_experts=64, seconds=30),
    Row(name="smollm2-bf16", what="SmolLM2-135M, preset semoe, bfloat16", model="smollm2-135m", num_experts=256,
        seconds=20),
    Row(name="smollm2-float32", what="the same in float32", model="smollm2-135m", dtype="float32", num_experts=256,
        seconds=30),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """What a row trains."""

    decoder: Decoder
    layout: ExpertLayout
    settings: TrainingSettings
    work: Work
    """Of one batch."""


def setting_of(row: Row) -> Setting:
    """Makes a row's model and work on the GPU."""
    is_llama = row.model == "llama-1b"
    decoder = random_decoder(LLAMA_1B if is_llama else SMOLLM2_135M, getattr(torch, row.dtype), "cuda")
    work = (published_work if is_llama else semoe_work)(row.num_experts, decoder.config.vocab_size)
    layout = ExpertLayout(decoder.config, LoraSettings())
    return Setting(decoder, layout, PUBLISHED if is_llama else SEMOE, work)


def tokens_of(setting: Setting) -> tuple[int, int]:
    """Returns the tokens that a batch is trained on, and those of them that are learnt; repetitions counted."""
    from semoe.experts.packing import schedule  # noqa: PLC0415

    steps = [step for own in setting.work for step in schedule(own, setting.settings)]
    answers = setting.settings.loss == "answer"
    tokens = sum(len(one.tokens) for step in steps for one in step)
    learnt = sum(len(one.tokens) - (max(1, one.loss_from) if answers else 1) for step in steps for one in step)
    return tokens, learnt


def useful_flops(setting: Setting) -> float:
    """Returns the operations of a batch: four for each weight and token.

    `semoe.experts.flops` says the same; the package of an earlier commit, for the row `before`, does not have it.
    """
    tokens, learnt = tokens_of(setting)
    config = setting.decoder.config
    in_layer = sum(outputs * inputs for outputs, inputs in projection_shapes(config).values())
    return 4.0 * (config.num_hidden_layers * in_layer * tokens + config.vocab_size * config.hidden_size * learnt)


def measured(row: Row) -> dict[str, Any]:
    """Runs a row for its seconds, after one batch that warms up; returns its figures."""
    setting = setting_of(row)
    with place(row.into_store) if row.into_store else nullcontext() as objects:
        return _timed(row, setting, _trainer(row, setting, objects))


def _timed(row: Row, setting: Setting, train: Callable[[int], Iterator[Any]]) -> dict[str, Any]:
    _drain(train(1))
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    _drain(train(1))
    repeats = max(1, round(row.seconds / (time.perf_counter() - began)))
    began = time.perf_counter()
    count = _drain(train(repeats))
    torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    batches = count / len(setting.work)
    return asdict(row) | {
        "experts": count,
        "took_seconds": seconds,
        "experts_per_second": count / seconds,
        "tokens_per_second": tokens_of(setting)[0] * batches / seconds,
        "flops": useful_flops(setting) * batches / seconds,
        "peak_gib": torch.cuda.max_memory_allocated() / GIB,
    }


def _drain(experts: Iterator[Any]) -> int:
    return sum(1 for _ in experts)


def _trainer(row: Row, setting: Setting, objects: Objects | None) -> Callable[[int], Iterator[Any]]:
    """Returns what trains a batch so many times over."""
    if row.by in ("peft", "published"):
        from benchmarks.gpu.peft import alone  # noqa: PLC0415

        return lambda repeats: alone(setting, repeats, padded=row.by == "published")
    per_step = sum(max(len(one.tokens) for one in own) for own in setting.work) * setting.settings.batch_size
    base_N = base_weight(setting.layout)
    if row.by == "before":
        from semoe.experts import training  # noqa: PLC0415

        before: Any = training.train_experts  # as it was called before there were roads
        positional = (setting.decoder, setting.layout, base_N, setting.settings)
        return lambda repeats: before(*positional, list(setting.work) * repeats, tokens_per_step=per_step)
    from semoe.experts.roads import road_for  # noqa: PLC0415
    from semoe.experts.training import train_experts  # noqa: PLC0415

    settings = replace(setting.settings, backward="float8" if row.float8 else "exact")
    road = road_for(setting.decoder, setting.layout, base_N, settings)
    if not road.name.startswith("kernels"):
        raise SystemExit(f"the kernels are not at work, but {road.name}")

    def train(repeats: int) -> Iterator[Any]:
        experts = train_experts(road, settings, list(setting.work) * repeats, tokens_per_step=per_step)
        return published(experts, setting.layout, objects) if objects else experts

    return train
