"""Samples NVIDIA's GPUs while a worker serves its metrics: how long each was busy, how much of its memory is used.

Called by `server`. NVML, the driver's own library, is asked through `pynvml` (package nvidia-ml-py, extra `gpu`). Where
either is missing there are no such metrics, and work goes on.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from threading import Event, Thread
from typing import Any

from semoe.telemetry.metrics import Metrics

log = logging.getLogger(__name__)
EVERY_SECONDS = 1.0
"""NVML says the busy share of the last second or less, so a longer time would leave some unseen."""
END_SECONDS = 2.0
"""Longest wait for the thread's end: a driver that hangs must not hold a worker that is done."""


@contextmanager
def sampled_gpus(into: Metrics, *, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Samples every GPU that NVML sees, in a thread of its own, during the block.

    Args:
        into: what counts. The GPUs' series go when sampling ends, by an error too: a counter that stands still would
            tell of a GPU that does nothing.
        every_seconds: from one sample to the next.
    """
    over = Event()
    thread = Thread(target=_sample, args=(into, over, every_seconds), name="gpus", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(END_SECONDS)


def _sample(into: Metrics, over: Event, every_seconds: float) -> None:
    """The thread: begins with NVML, and ends without a word where there is none or it fails."""
    try:
        nvml: Any = import_module("pynvml")
    except ImportError as error:
        log.debug("No metrics of GPUs: %s", error)
        return
    try:
        nvml.nvmlInit()
        try:
            _sample_until(over, nvml, into, every_seconds)
        finally:
            into.forget_gpus()
            nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        log.debug("No metrics of GPUs, or no more of them: %s", error)


def _sample_until(over: Event, nvml: Any, into: Metrics, every_seconds: float) -> None:
    gpus = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    # The first sample counts next to nothing: it makes the series, so that the second is an increase.
    since = time.monotonic()
    while not over.is_set():
        now = time.monotonic()
        _count(gpus, nvml, into, now - since)
        since = now
        over.wait(every_seconds)


def _count(gpus: Sequence[Any], nvml: Any, into: Metrics, seconds: float) -> None:
    """Counts each GPU's busy part of the time since the last sample, and its memory."""
    for index, gpu in enumerate(gpus):
        busy_percent = nvml.nvmlDeviceGetUtilizationRates(gpu).gpu
        memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
        into.gpu_sampled(
            str(index), busy_seconds=seconds * busy_percent / 100, used_bytes=memory.used, all_bytes=memory.total
        )
