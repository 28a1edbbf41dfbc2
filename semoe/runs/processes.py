"""Workers in processes of their own: how one is begun, how it is ended, and why it ended badly.

Used by the local back end, which has many of them one after the other, and by a pod, which has one for each GPU.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from semoe.errors import SemoeError
from semoe.runs.folder import RunFolder
from semoe.runs.gpus import VISIBLE
from semoe.runs.records import Failure
from semoe.runs.stopping import PARENT

POLL_SECONDS = 0.1
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerProcess:
    """A process that does a shard."""

    stage: str
    shard: int
    process: "subprocess.Popen[bytes]"
    gpu: str
    """As `CUDA_VISIBLE_DEVICES` names it; empty: whichever it finds."""
    began: float = field(default_factory=time.time)


def command(folder: RunFolder, stage: str, shard: int, options: Sequence[str]) -> list[str]:
    """Returns the command of a worker; `options` are more for its command line."""
    where = ["--store", folder.objects.url, "--run", folder.run]
    what = ["--stage", stage, "--shard", str(shard)]
    return [sys.executable, "-m", "semoe", "worker", *where, *what, *options]


def begin(
    folder: RunFolder,
    stage: str,
    shard: int,
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str],
    gpu: str = "",
    output: int | IO[bytes],
) -> WorkerProcess:
    """Begins a worker, to which signals of a terminal do not go.

    Args:
        folder: the run.
        stage: a stage of it.
        shard: which one.
        options: more for its command line.
        environment: all variables but for the GPU's.
        gpu: of its own; empty: whichever it finds.
        output: takes all that it says.
    """
    process = subprocess.Popen(  # noqa: S603  (our own command)
        command(folder, stage, shard, options),
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**environment, PARENT: str(os.getpid())} | ({VISIBLE: gpu} if gpu else {}),
        start_new_session=True,
    )
    return WorkerProcess(stage=stage, shard=shard, process=process, gpu=gpu)


def ask_to_end(workers: Iterable[WorkerProcess]) -> None:
    """Asks those that are at work to keep what they have and end."""
    for one in workers:
        one.process.send_signal(signal.SIGTERM)


def end(workers: Sequence[WorkerProcess]) -> None:
    """Asks those that are at work to keep what they have and end, and waits for them.

    Whoever is interrupted while it waits has them killed: no worker is left behind.
    """
    working = [one for one in workers if one.process.poll() is None]
    if working:
        log.warning("Waiting until workers kept what they have in hand (%d); Ctrl-C ends them at once.", len(working))
    ask_to_end(working)
    try:
        for one in working:
            one.process.wait()
    except BaseException:
        for one in working:
            one.process.kill()
        raise


def why(folder: RunFolder, worker: WorkerProcess, said: str) -> tuple[str, str]:
    """Returns message and kind of what ended a worker: as it wrote them to the store, or the last it said."""
    own = list[Failure]()
    # A store that is out of reach now is not what ended the worker.
    with suppress(SemoeError):
        found = folder.failures(worker.stage)
        own = [one for one in found if one.shard == worker.shard and one.time >= worker.began]
    if own:
        return own[-1].message, own[-1].kind
    return next(iter(said.strip().splitlines()[-1:]), "no word"), "worker"
