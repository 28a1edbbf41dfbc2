"""Measures answering on one GPU: questions a second with every row's own experts, and where the time goes.

    python -m benchmarks.gpu.answering                          all rows (`make bench-gpu-answers`)
    python -m benchmarks.gpu.answering --rows own-512,plain     some; results join those that are there

Answers are held to the plain runner's first, token for token in float32: where they differ, no figure is printed.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.gpu.answering_more import passages_per_second, prefix_milliseconds
from benchmarks.gpu.answering_profile import profiled
from benchmarks.shapes import LLAMA_1B, random_decoder
from semoe.experts.layout import ExpertLayout
from semoe.experts.settings import LoraSettings, Quantization
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.models.decoder import Decoder

RESULTS = Path(__file__).parents[1] / "results" / "answering-gpu.json"
PROFILED = {"own-512": "profile", "float8-512": "profile_float8"}
"""Rows whose time is taken apart, and where it is kept."""
WITHOUT_KERNELS = {"SEMOE_KERNELS": "0"}
MORE = "prefix", "augmentation"
"""What is measured beside the rows."""
SHIFT = 64
"""Experts are stretches of one long random vector, each so many numbers behind the one before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing to measure."""

    name: str
    what: str
    rows: int = 512
    prompt: int = 300
    new: int = 64
    experts: int = 3
    """Of each question, no two of which that run at once share one."""
    is_fresh: bool = False
    """Whether every question's experts come from the host's memory anew."""
    is_plain: bool = False
    """Whether the plain runner answers."""
    quantization: Quantization = "none"
    waves: int = 4
    """Questions, in multiples of the rows."""


ROWS: tuple[Row, ...] = (
    *(Row(name=f"own-{n}", what=f"{n} rows", rows=n) for n in (32, 128, 256, 512, 1024)),
    Row(name="fresh-512", what="512 rows, all experts from the host's memory", is_fresh=True),
    Row(name="none-512", what="512 rows, no experts", experts=0),
    Row(name="ten-512", what="512 rows, 10 experts each", experts=10),
    Row(name="float8-512", what="512 rows, products of normed rows in float8", quantization="float8"),
    Row(name="float8-none-512", what="the same without experts", quantization="float8", experts=0),
    Row(name="short-512", what="512 rows, 40 tokens asked and 14 new", prompt=40, new=14, waves=16),
    Row(name="short-none-512", what="the same without experts", prompt=40, new=14, experts=0, waves=16),
    Row(name="plain-128", what="the plain runner, 128 rows", rows=128, is_plain=True, waves=1),
)


def main() -> None:
    """Reads the arguments, checks, measures, and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="names, with commas between them; all where it is left out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--commit", default="")
    asked = parser.parse_args()
    known = [*(row.name for row in ROWS), *MORE]
    names = asked.rows.split(",") if asked.rows else known
    if unknown := set(names) - set(known):
        raise SystemExit(f"no rows {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    check()
    found = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.exists() else {"rows": {}}
    found |= {"machine": torch.cuda.get_device_name(), "python": sys.version.split()[0], "torch": torch.__version__}
    decoder = random_decoder(LLAMA_1B, torch.bfloat16, "cuda")
    for row in (one for one in ROWS if one.name in names):
        stamp = {"commit": asked.commit, "date": datetime.now(UTC).date().isoformat()}
        found["rows"][row.name] = measured(row, decoder) | stamp
        rate = found["rows"][row.name]["questions_per_second"]
        print(f"{row.name:16} {rate:8.1f} questions/s   {row.what}", flush=True)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    found["switch_milliseconds"] = switch_milliseconds(decoder)
    if "prefix" in names:
        found["prefix_milliseconds"] = prefix(decoder)
    if "augmentation" in names:
        found["passages_augmented_per_second"] = augmentation(decoder)
    for name in sorted(set(PROFILED) & set(names)):
        row = _row(name)
        found[PROFILED[name]] = profiled(decoder, partial(_engine_of, row, decoder), row.rows)
    asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    asked.out.with_suffix(".md").write_text(table(found), encoding="utf-8")


def check() -> None:
    """Holds the kernels' answers to the plain runner's in float32."""
    decoder = random_decoder(LLAMA_1B, torch.float32, "cuda")
    row = Row(name="check", what="", rows=8, prompt=90, new=8)
    layout = ExpertLayout(decoder.config, LoraSettings())
    asked = requests(row, experts_of(row, layout, torch.float32, spread=0.02), decoder, 16)
    ours = Engine(decoder, layout, eos_ids=frozenset(), max_rows=8).generate(asked)
    with patch.dict(os.environ, WITHOUT_KERNELS):
        plain = Engine(decoder, layout, eos_ids=frozenset(), max_rows=8).generate(asked)
    if [one.tokens for one in ours] != [one.tokens for one in plain]:
        raise SystemExit("the kernels and the plain runner answer differently: no figure is printed")
    print(f"checked: {len(ours)} answers of {row.new} tokens are the plain runner's, token for token in float32")


def measured(row: Row, decoder: Decoder) -> dict[str, Any]:
    """Answers after warming up; returns the figures."""
    engine, asked = _engine_of(row, decoder)
    count = row.rows * row.waves
    engine.generate(asked[: row.rows + row.rows // 2] if not row.is_plain else asked[: row.rows // 4])
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    engine.generate(asked[-count:])
    seconds = time.perf_counter() - began
    return asdict(row) | {
        "questions": count,
        "took_seconds": seconds,
        "questions_per_second": count / seconds,
        "peak_gib": torch.cuda.max_memory_allocated() / (1 << 30),
    }


def _engine_of(row: Row, decoder: Decoder) -> tuple[Engine, list[Request]]:
    layout = ExpertLayout(decoder.config, LoraSettings()) if row.experts else None
    experts = experts_of(row, layout, decoder.dtype) if layout else []
    asked = requests(row, experts, decoder, row.rows * (row.waves + 2))
    if not row.is_plain:
        engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=row.rows, quantization=row.quantization)
        return engine, asked
    with patch.dict(os.environ, WITHOUT_KERNELS):
        return Engine(decoder, layout, eos_ids=frozenset(), max_rows=row.rows), asked


def experts_of(row: Row, layout: ExpertLayout, dtype: torch.dtype, spread: float = 0.005) -> list[Tensor]:
    """Returns random experts as the store's readers hand them over: of the model's type, in pinned memory."""
    count = row.experts * row.rows
    long = torch.randn(layout.size + SHIFT * count, generator=torch.Generator().manual_seed(1)) * spread
    host_EN = torch.empty(count, layout.size, dtype=dtype, pin_memory=True)
    for number in range(count):
        host_EN[number] = long[SHIFT * number : SHIFT * number + layout.size]
    return list(host_EN)


def requests(row: Row, experts: Sequence[Tensor], decoder: Decoder, count: int) -> list[Request]:
    """Returns questions, each with its own experts; a fresh one's have names of their own."""
    chooser = random.Random(0)
    found = []
    for number in range(count):
        own = [(number * row.experts + place) % len(experts) for place in range(row.experts)]
        found.append(
            Request(
                prompt=tuple(chooser.randrange(decoder.config.vocab_size) for _ in range(row.prompt)),
                experts=tuple(experts[one] for one in own),
                keys=tuple(f"{number if row.is_fresh else ''} {one}" for one in own),
                max_new_tokens=row.new,
            )
        )
    return found


@torch.inference_mode()
def switch_milliseconds(decoder: Decoder, repeats: int = 100) -> float:
    """Returns how long it takes to bring three experts from pinned memory to the device and to point a row to them."""
    from semoe.generation.fused.pool import ExpertPool  # noqa: PLC0415

    layout = ExpertLayout(decoder.config, LoraSettings())
    pool = ExpertPool(layout, decoder.dtype, decoder.device)
    experts = experts_of(Row(name="", what="", rows=repeats), layout, decoder.dtype)
    for number, expert in enumerate(experts):  # grows the pool, and forgets
        pool.take(expert, f"first {number}")
        pool.give_back(expert, f"first {number}")
    torch.cuda.synchronize()
    began = time.perf_counter()
    for number, expert in enumerate(experts):
        pool.take(expert, f"then {number}")
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / repeats * 1e3


def prefix(decoder: Decoder, num_rows: int = 512) -> dict[str, float]:
    """Returns what a switch of some rows together, each of whose prefixes has 300 tokens, adds to a step."""
    row = Row(name="prefix", what="", rows=num_rows, new=2000)
    layout = ExpertLayout(decoder.config, LoraSettings())
    experts = experts_of(replace(row, rows=2 * num_rows), layout, decoder.dtype)

    def make(count: int) -> tuple[Engine, list[Request]]:
        engine = Engine(decoder, layout, eos_ids=frozenset(), max_rows=num_rows)
        return engine, requests(row, experts, decoder, count)

    return prefix_milliseconds(make, num_rows)


def augmentation(decoder: Decoder, num_passages: int = 1536) -> dict[str, float]:
    """Returns passages a second, by the kernels and by the plain runner."""
    engine = Engine(decoder, None, eos_ids=frozenset(), max_rows=512)
    with patch.dict(os.environ, WITHOUT_KERNELS):
        plain = Engine(decoder, None, eos_ids=frozenset(), max_rows=128)
    return {
        "kernels": passages_per_second(decoder, engine, num_passages),
        "the plain runner": passages_per_second(decoder, plain, 64),
    }


def table(found: dict[str, Any]) -> str:
    """Returns rows and profile as Markdown tables."""
    lines = ["| row | prompt + new tokens | questions/s | peak GiB | commit |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['prompt']} + {row['new']} | {row['questions_per_second']:.1f} | "
        f"{row['peak_gib']:.1f} | {row['commit']} |"
        for row in found["rows"].values()
    ]
    lines += ["", f"One switch, three experts from the host's memory: {found['switch_milliseconds']:.3f} ms.", ""]
    for name, one in found.get("prefix_milliseconds", {}).items():
        lines.append(f"- {name}: {one:.2f} ms")
    for name, rate in found.get("passages_augmented_per_second", {}).items():
        lines.append(f"- augmentation, {name}: {rate:.1f} passages a second")
    for name, kept in PROFILED.items():
        lines += ["", f"| part of 64 steps, {_row(name).what} | ms | share | times its bound |", "|---|---|---|---|"]
        for part, one in found.get(kept, {}).items():
            bound = f"{one['times_bound']:.2f}" if one["times_bound"] else ""
            lines.append(f"| {part} | {one['milliseconds']:.1f} | {one['share']:.1%} | {bound} |")
    return "\n".join(lines) + "\n"


def _row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


if __name__ == "__main__":
    main()
