"""Does a pod's shards at once: one for each of its GPUs, each in a process of its own.

A pod that asks for several GPUs takes as many shards: pod 1 of two GPUs has shards 2 and 3. A worker that ends badly
leaves its neighbours at work; what became of each decides how the pod ends. SIGTERM is handed on, so that all keep what
they have.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Thread

from semoe.errors import SemoeError, TransientError, UsageError, WorkerError, meaning_of
from semoe.runs.folder import RunFolder
from semoe.runs.gpus import least_used
from semoe.runs.processes import POLL_SECONDS, WorkerProcess, ask_to_end, begin, why
from semoe.runs.shard_items import shard_items
from semoe.runs.stopping import asked_to_stop
from semoe.words import counted

LAST_WORDS_SECONDS = 5.0
"""Longest wait for what a worker said last: a process that it began may hold its output open."""
OWN_TO_A_POD = ("SEMOE_METRICS_PORT", "SEMOE_COUNTS_DIR")
"""Variables that its workers must not have: they would serve on one port and write the same files."""


def num_pods(num_shards: int, gpus_per_pod: int) -> int:
    """Returns how many pods have so many shards."""
    return -(-num_shards // max(1, gpus_per_pod))


def shards_of(folder: RunFolder, stage: str, pod: int, gpus_per_pod: int) -> range:
    """Returns the shards that a pod has.

    Raises:
        UsageError: none, or the stage's shards are not known yet.
    """
    count = len(shard_items(stage, folder.plan(), folder.manifest()))
    found = range(count)[pod * gpus_per_pod : (pod + 1) * gpus_per_pod]
    if not found:
        raise UsageError(
            f"Stage {stage} of {folder.run} has {counted(count, 'shard')}, so with {gpus_per_pod} for each there are "
            f"pods 0 to {num_pods(count, gpus_per_pod) - 1}, not {pod}.",
            kind="no-shard",
        )
    return found


@dataclass(kw_only=True, slots=True)
class Pod:
    """Does shards of one stage at once."""

    folder: RunFolder
    stage: str
    gpus_per_pod: int
    """Among as many workers it shares out the threads that it may have, however few have work."""
    gpus: Sequence[str] = ()
    """As `semoe.runs.gpus` names them."""
    options: Sequence[str] = ()
    """More for each worker's command line."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """More for each worker's environment."""
    tell: Callable[[str], None] = print
    """Takes each line that a worker says."""
    on_failure: Callable[[int], None] = lambda pid: None
    """Hears of each worker that ended badly."""

    def run(self, shards: Sequence[int]) -> None:
        """Does them; ends when every worker has ended.

        Raises:
            TransientError: some worker ended in a way that another attempt may mend, or the pod was asked to stop.
            UsageError: none did, but one met wrong settings.
            WorkerError: one failed in another way that an attempt would not mend.
        """
        with asked_to_stop() as stop:
            workers = list[_Heard]()
            try:
                workers.extend(self._begin(shards))
                self._wait([one.worker for one in workers], stop)
            finally:
                ask_to_end(one.worker for one in workers)
                failed = [one for one in workers if one.end()]
            if failed:
                raise self._worst(failed, len(shards), stopped=stop())

    def _begin(self, shards: Sequence[int]) -> Iterator["_Heard"]:
        taken = list[str]()
        for shard in shards:
            gpu = least_used(self.gpus, taken) if self.gpus else ""
            taken.append(gpu)
            worker = begin(
                self.folder,
                self.stage,
                shard,
                options=self.options,
                environment=self._environment(),
                gpu=gpu,
                output=subprocess.PIPE,
            )
            yield _Heard(worker, self.tell)

    def _wait(self, workers: Sequence[WorkerProcess], stop: Callable[[], bool]) -> None:
        """Waits for all of them; whoever asks the pod to stop asks them."""
        working = list(workers)
        told = False
        while working:
            if stop() and not told:
                ask_to_end(working)
                told = True
            time.sleep(POLL_SECONDS)
            for one in [one for one in working if one.process.poll() is not None]:
                working.remove(one)
                if one.process.returncode:
                    self.on_failure(one.process.pid)

    def _environment(self) -> dict[str, str]:
        """Shares out what the pod may have of the cores."""
        given = os.environ.get("OMP_NUM_THREADS", "")
        threads = (int(given) if given.isdecimal() else os.cpu_count() or 1) // self.gpus_per_pod
        inherited = {name: value for name, value in os.environ.items() if name not in OWN_TO_A_POD}
        return {**inherited, "OMP_NUM_THREADS": str(max(1, threads)), **self.variables}

    def _worst(self, failed: Sequence["_Heard"], num_workers: int, *, stopped: bool) -> SemoeError:
        """Says what ended the pod: first what another attempt may mend, so that those who need one get it."""
        ends = [(meaning_of(one.worker.process.returncode) or WorkerError, one) for one in failed]
        order = (TransientError, UsageError, WorkerError)
        kind, first = min(ends, key=lambda end: order.index(end[0]))
        if kind is TransientError and stopped:
            return TransientError("Asked to stop. What is finished is kept; the same pod goes on.", kind="stopped")
        message, what = why(self.folder, first.worker, first.last)
        code = first.worker.process.returncode
        return kind(
            f"{len(failed)} of {counted(num_workers, 'worker')} ended badly; {first.name} with {code}: {message}",
            kind=what,
        )


class _Heard:
    """A worker whose every line is told with the name of its shard."""

    def __init__(self, worker: WorkerProcess, tell: Callable[[str], None]) -> None:
        self.worker = worker
        self.name = f"{worker.stage} shard {worker.shard}"
        self.last = ""
        """The last that it said."""
        self._tell = tell
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.worker.process.stdout is not None, "it was begun with a pipe"
        with self.worker.process.stdout as lines:
            for line in lines:
                said = line.decode(errors="replace").rstrip()
                self.last = said or self.last
                self._tell(f"{self.name}: {said}")

    def end(self) -> int:
        """Waits for its end; returns its exit code."""
        code = self.worker.process.wait()
        self._listener.join(LAST_WORDS_SECONDS)
        return code
