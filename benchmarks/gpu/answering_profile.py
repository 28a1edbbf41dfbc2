"""Where the time of answering goes: each part of 64 steps in full swing beside the least that it could take.

A part that moves bytes is bound by the rate of a copy; the matrix products by their own rate, back to back for seconds.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.limits import copy_bytes_per_second, sustained
from benchmarks.gpu.profile import beside, part_of
from semoe.experts.fused.weights import base_weights
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.models.decoder import Decoder

STEPS = 64
PARTS = {
    "matrix products": ("nvjet", "gemm", "cutlass", "splitk"),
    "attention over the cache": ("_attend",),
    "rows as float8": ("_quantise",),
    "norms with the experts' products": ("_residual_norm",),
    "gated activation, rows that go on": ("_gated_rows",),
    "gated activation, prompts": ("_gated_prompts",),
    "attention within prompts": ("_attention_forward",),
    "rotation": ("_rotation_forward",),
    "choice": ("_choose",),
    "keys and values into pages": ("_store",),
    "A of gate and up, prompts": ("_project",),
}


def profiled(decoder: Decoder, make: Callable[[], tuple[Engine, list[Request]]], num_rows: int) -> dict[str, Any]:
    """Returns milliseconds of each part of 64 steps, its share, and how many times its bound it takes.

    In 64 steps as many questions begin and end as there are rows.
    """
    engine, asked = make()
    for request in asked[: 3 * num_rows]:
        engine.submit(request)
    for _ in range(2 * STEPS):
        engine.step()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        began = time.perf_counter()
        for _ in range(STEPS):
            engine.step()
        torch.cuda.synchronize()
        wall = (time.perf_counter() - began) * 1e3
    while engine.has_work:
        engine.step()
    took: dict[str, float] = defaultdict(float)
    for event in profiler.events():
        if event.device_type == DeviceType.CUDA:
            took[part_of(event.name, PARTS)] += (event.time_range.end - event.time_range.start) / 1e3
    took["gaps, less what overlaps"] = wall - sum(took.values())
    bounds = bounds_of(decoder, asked[0], num_rows)
    return beside(took, bounds)


def bounds_of(decoder: Decoder, request: Request, num_rows: int) -> dict[str, float]:
    """Returns the least milliseconds of parts that move bytes, each byte once, and of the products.

    Experts count once a row and step where rows go on, and not at all within prompts, whose rows share them.
    """
    config, size = decoder.config, decoder.dtype.itemsize
    layers, hidden, inner = config.num_hidden_layers, config.hidden_size, config.intermediate_size
    keys = config.num_key_value_heads * config.head_dim
    mixed = config.num_attention_heads * config.head_dim
    rank = len(request.experts) * 2
    prompt, steps = len(request.prompt) - 1, request.max_new_tokens
    going, begun = num_rows * steps * layers, num_rows * prompt * layers
    less = num_rows * prompt  # the last layer computes no more of a prompt than its keys and values
    seen = prompt + (steps + 1) / 2
    numbers = {
        "attention over the cache": going * (2 * keys * seen + 2 * mixed),
        "norms with the experts' products": going * (8 * hidden + 3 * rank * hidden) + begun * 8 * hidden,
        "gated activation, rows that go on": going * (3 * inner + 3 * rank * inner),
        "gated activation, prompts": (begun - less) * 3 * inner,
        "attention within prompts": (begun - less) * (2 * mixed + 2 * keys),
        "rotation": (going + begun) * 2 * (mixed + keys),
        "keys and values into pages": (going + begun) * 4 * keys,
        "A of gate and up, prompts": (begun - less) * hidden,
        "choice": num_rows * steps * config.vocab_size,
    }
    rate = copy_bytes_per_second()
    found = {part: count * size / rate * 1e3 for part, count in numbers.items()}
    return found | {"matrix products": _products(decoder, num_rows, prompt, steps)}


def _products(decoder: Decoder, num_rows: int, prompt: int, steps: int) -> float:
    """Returns the milliseconds of all products: the prompts' in pieces of 8,192 rows, and the others'."""
    weights = base_weights(decoder)
    layer, layers = weights.layers[0], len(weights.layers)
    products = [layer.qkv.weight_OI, layer.output.weight_OI, layer.gate_up.weight_OI, layer.down.weight_OI]
    piece = 8192
    rooms = [
        (weight, weight.new_empty(rows, weight.shape[1]).normal_(), weight.new_empty(rows, len(weight)), count)
        for rows, count in ((piece, round(num_rows * prompt / piece * (layers - 1))), (num_rows, steps * layers))
        for weight in products
    ]
    head = weights.head.weight_OI
    rooms.append((head, head.new_empty(num_rows, head.shape[1]).normal_(), head.new_empty(num_rows, len(head)), steps))

    def work() -> None:
        for weight_OI, x_TI, y_TO, count in rooms:
            for _ in range(max(1, count // 8)):
                torch.mm(x_TI, weight_OI.T, out=y_TO)

    return 8 * sustained(work) * 1e3
