"""Two more things to measure on one GPU: prefixes computed again after a switch, and augmentation by a model.

Neither depends on what tokens mean: prompts are random, and nothing ends early.
"""

import random
import time
from collections.abc import Callable, Sequence

import torch

from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.models.decoder import Decoder

CYCLE = 8
"""Steps from one switch to the next."""
CYCLES = 6
PASSAGE = 130
"""Tokens of a passage and what is asked about it."""
WRITTEN = (("questions", 3, 20), ("checks", 3, 8), ("rewrites", 1, 120))
"""What a passage's augmentation writes: how many of each, of how many tokens."""


def prefix_milliseconds(make: Callable[[int], tuple[Engine, list[Request]]], num_rows: int) -> dict[str, float]:
    """Returns what it adds to a step that k rows switch their experts in it, for k = 1, 2, 4 and 8, and a plain step.

    Args:
        make: an engine, and so many questions whose answers outlast the measurement.
        num_rows: rows that go on.
    """
    engine, asked = make(num_rows + 38 * CYCLES)
    waiting = iter(asked)
    tickets = [engine.submit(next(waiting)) for _ in range(num_rows)]
    for _ in range(num_rows // 8):
        engine.step()

    def cycle_seconds(num_switching: int) -> float:
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(CYCLES):
            for place in random.sample(range(num_rows), num_switching):
                engine.pause(tickets[place])
                tickets[place] = engine.submit(next(waiting))
            for _ in range(CYCLE):
                engine.step()
        torch.cuda.synchronize()
        return (time.perf_counter() - began) / CYCLES

    cycle_seconds(0)
    found = {"a step in which none switches": cycle_seconds(0) / CYCLE * 1e3}
    for k in (1, 2, 4, 8):  # beside a plain cycle each, for the longer the rows grow, the longer a step takes
        cycle_seconds(k)
        found[f"added where {k} rows switch together"] = (cycle_seconds(k) - cycle_seconds(0)) * 1e3
    return found


def passages_per_second(decoder: Decoder, engine: Engine, num_passages: int) -> float:
    """Returns how many passages a second are augmented, with a fixed amount of work for each; see `WRITTEN`."""
    _write(decoder, engine, num_passages // 4)
    torch.cuda.synchronize()
    began = time.perf_counter()
    _write(decoder, engine, num_passages)
    return num_passages / (time.perf_counter() - began)


def _write(decoder: Decoder, engine: Engine, num_passages: int) -> None:
    for _, each, length in WRITTEN:
        engine.generate([Request(prompt=one, max_new_tokens=length) for one in _prompts(decoder, num_passages * each)])


def _prompts(decoder: Decoder, count: int) -> Sequence[tuple[int, ...]]:
    chooser = random.Random(0)
    return [tuple(chooser.randrange(decoder.config.vocab_size) for _ in range(PASSAGE)) for _ in range(count)]
