"""How long something takes, and on what machine."""

import platform
import resource
import time
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path

import torch

PASSAGES = Path(str(resources.files("semoe"))) / "demo_data" / "passages.tsv"
"""The demo's."""


def best_seconds(work: Callable[[], object], repeats: int) -> float:
    """Returns the shortest of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def describe() -> str:
    """Says what was measured on."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "transformers", "peft"))
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    machine = platform.processor() or platform.machine()
    return f"{machine}, {torch.get_num_threads()} threads, {versions}; peak {peak_gib:.1f} GiB"
