"""What the card could do at most: its matrix products back to back, and how fast it copies.

Rates held for seconds, not bursts: a card at its power limit clocks down, and a burst overstates by a fifth.
"""

import time
from collections.abc import Callable

import torch

from benchmarks.gpu.work import Setting, tokens_of

SECONDS = 4.0


def sustained(work: Callable[[], object], seconds: float = SECONDS) -> float:
    """Returns the mean seconds of a piece of work that is repeated for some seconds."""
    work()
    torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    torch.cuda.synchronize()
    repeats = max(2, int(seconds / (time.perf_counter() - began)))
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats


def product_seconds(setting: Setting, num_steps: int) -> float:
    """Returns the seconds of all products of one step's weights with its rows, both directions, back to back."""
    from semoe.experts.fused.weights import base_weights  # noqa: PLC0415

    weights = base_weights(setting.decoder)
    tokens, learnt = (count // num_steps for count in tokens_of(setting))
    layer = weights.layers[0]
    products = [layer.qkv, layer.output, layer.gate_up, layer.down]
    like = setting.decoder.weights["model.embed_tokens.weight"]
    pairs = [(product.weight_OI, tokens, len(weights.layers)) for product in products]
    head_rows = 4096
    pairs.append((weights.head.weight_OI, min(head_rows, learnt), max(1, round(learnt / head_rows))))
    rooms = [
        (
            weight,
            torch.randn(rows, weight.shape[1], device="cuda").to(like),
            like.new_empty(rows, len(weight)),
            like.new_empty(rows, weight.shape[1]),
            times,
        )
        for weight, rows, times in pairs
    ]

    def work() -> None:
        for weight_OI, x_TI, y_TO, dx_TI, times in rooms:
            for _ in range(times):
                torch.mm(x_TI, weight_OI.T, out=y_TO)
                torch.mm(y_TO, weight_OI, out=dx_TI)

    return sustained(work)


def copy_bytes_per_second() -> float:
    """Returns the rate of a copy on the device, bytes read and bytes written."""
    source = torch.empty(1 << 31, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    return 2 * len(source) / sustained(lambda: target.copy_(source), 2.0)
