"""Augments a stream of passages in processes, a little ahead: a GPU need not wait for a parser."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import islice
from multiprocessing.connection import wait

from semoe.augment.augmenter import load_augmenter
from semoe.augment.contract import Augmenter, AugmentSettings
from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import TransientError
from semoe.stages.augment import Made, augmented_but_failing

PART = 16
"""Passages that a process is given at once."""
PARTS_AHEAD = 4
"""Of each process."""

_settings: AugmentSettings | None = None
"""Of a process that augments for another."""


def augmented_ahead(
    passages: Iterable[AugmentedPassage], settings: AugmentSettings, num_processes: int
) -> Iterator[Made]:
    """Yields what is made of passages, a part at a time, in their order.

    Args:
        passages: taken as they are needed, some parts ahead.
        settings: how they are augmented.
        num_processes: that do it; 0: this one does.

    Raises:
        UsageError: there is no such augmenter or model.
        TransientError: a process was killed, as one is that takes more memory than there is.
    """
    source = iter(passages)
    parts = iter(lambda: list(islice(source, PART)), [])
    if not num_processes:
        augmenter = load_augmenter(settings)
        yield from (augmented_but_failing(augmenter, part) for part in parts)
        return
    with ExitStack() as stack:
        # Spawned: a process that has used a GPU, or has threads, may not be forked.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(num_processes, context, initializer=_begin, initargs=(settings,))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        # Each is one of many: with a thread for every core they would be in each other's way.
        stack.enter_context(_environment(OMP_NUM_THREADS="1"))
        waiting = deque[Future[Made]]()
        try:
            for part in parts:
                waiting.append(pool.submit(_augment, part))
                if len(waiting) >= PARTS_AHEAD * num_processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise TransientError(
                "A process that augments passages was ended, as one is where memory is short. Give the worker more "
                "memory, or fewer --augment_processes.",
                kind="worker-lost",
            ) from error


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Sets variables that processes inherit which are begun meanwhile."""
    former = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def processes_for(device: str) -> int:
    """Returns how many processes augment beside a model: all cores but one, where the model is on a GPU.

    A model on the CPU has use for the cores itself: its process augments.
    """
    if device == "cpu":
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, (min(cores, int(allowed)) if allowed.isdecimal() else cores) - 1)


def _begin(settings: AugmentSettings) -> None:
    """Begins a process; nothing here may fail, as nobody would hear why."""
    global _settings  # noqa: PLW0603  (each process has its own, for as long as it lives)
    _settings = settings
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asked
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # spaCy imports torch where it is there: seconds and hundreds of megabytes that no parser needs.
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]


def _end_with_parent() -> None:
    """A parent that was killed ends nobody; without this its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _augment(part: Sequence[AugmentedPassage]) -> Made:
    return augmented_but_failing(_augmenter(), part)


@cache
def _augmenter() -> Augmenter:
    assert _settings is not None, "its process was begun"
    return load_augmenter(_settings)
