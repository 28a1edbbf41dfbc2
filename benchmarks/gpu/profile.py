"""Where a step's time goes, each part beside the least that its bytes would take at the rate of a copy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.work import Row, Setting, setting_of, tokens_of
from semoe.experts.base_weight import base_weight
from semoe.experts.packing import pack, schedule
from semoe.experts.roads import road_for

WARM_UP = 20
STEPS = 5
PARTS = {
    "products": ("nvjet", "gemm", "cutlass", "sgemm"),
    "gated, forward": ("gated_forward",),
    "gated, backward": ("gated_backward",),
    "norm, forward": ("norm_forward",),
    "norm, backward": ("norm_backward",),
    "cross-entropy": ("cross_entropy",),
    "attention, forward": ("attention_forward",),
    "attention, backward": ("attention_queries", "attention_keys"),
    "gradients of A and B": ("outer_sums",),
    "rotation": ("rotation_forward",),
    "AdamW": ("adamw_step",),
    "quantise": ("quantise",),
}


def profiled(row: Row, copy_rate: float) -> dict[str, Any]:
    """Returns milliseconds a step of each part, their share, and of those that move bytes their bound.

    Args:
        row: what is trained.
        copy_rate: bytes a second of a copy, measured in the same run.
    """
    setting = setting_of(row)
    steps = [schedule(own, setting.settings) for own in setting.work]
    packs = [pack([own[i] for own in steps], setting.settings) for i in range(len(steps[0]))]
    road = road_for(setting.decoder, setting.layout, base_weight(setting.layout), setting.settings)
    stack = road.stack(len(steps), max(len(one.tokens_T) for one in packs))
    for i in range(WARM_UP):
        stack.step(packs[i % len(packs)])
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for one in packs[:STEPS]:
            stack.step(one)
        torch.cuda.synchronize()
    events = [e for e in profiler.events() if e.device_type == DeviceType.CUDA]
    span = max(e.time_range.end for e in events) - min(e.time_range.start for e in events)
    milliseconds: dict[str, float] = defaultdict(float)
    for event in events:
        milliseconds[part_of(event.name, PARTS)] += (event.time_range.end - event.time_range.start) / 1e3 / STEPS
    milliseconds["gaps"] = span / 1e3 / STEPS - sum(milliseconds.values())
    bounds = {part: count / copy_rate * 1e3 for part, count in _bytes(setting, len(packs)).items()}
    return beside(milliseconds, bounds)


def beside(milliseconds: Mapping[str, float], bounds: Mapping[str, float]) -> dict[str, Any]:
    """Returns each part with its share and how many times its bound it takes, the largest first."""
    total = sum(milliseconds.values())
    return {
        part: {
            "milliseconds": took,
            "share": took / total,
            "bound_milliseconds": bounds.get(part),
            "times_bound": took / bounds[part] if part in bounds else None,
        }
        for part, took in sorted(milliseconds.items(), key=lambda one: -one[1])
    }


def part_of(kernel: str, parts: Mapping[str, Sequence[str]]) -> str:
    """Returns which part a kernel's name says it is."""
    return next((part for part, names in parts.items() if any(name in kernel for name in names)), "other")


def _bytes(setting: Setting, num_steps: int) -> dict[str, float]:
    """The least that each part must read and write in a step, each row once; logits twice, as none fits on chip."""
    config, layout = setting.decoder.config, setting.layout
    tokens, learnt = (count / num_steps for count in tokens_of(setting))
    size = setting.decoder.dtype.itemsize
    layers, hidden, inner = config.num_hidden_layers, config.hidden_size, config.intermediate_size
    mixed = config.num_attention_heads * config.head_dim
    qkv = mixed + 2 * config.num_key_value_heads * config.head_dim
    rows = layers * tokens * size
    return {
        "gated, forward": rows * 3 * inner,
        "gated, backward": rows * 5 * inner,
        "norm, forward": rows * 8 * hidden,
        "norm, backward": rows * 8 * hidden,
        "cross-entropy": learnt * config.vocab_size * (2 * size + (1 if size == 2 else size)),
        "attention, forward": rows * (qkv + mixed),
        "attention, backward": rows * (3 * qkv + 3 * mixed),
        "gradients of A and B": rows * 2 * hidden,
        "rotation": rows * 2 * (qkv - config.num_key_value_heads * config.head_dim),
        "AdamW": 7.0 * 4 * len(setting.work) * layout.size,
    }
