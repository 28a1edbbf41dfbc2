"""Runs a plan on this machine: each shard in a process of its own, a few at a time, as pods would do it.

A process that is killed, or ends with the code that asks for it, is started again; what it finished is in the store.
"""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO

from semoe.errors import SemoeError, TransientError, UsageError, WorkerError, meaning_of
from semoe.runs.folder import RunFolder
from semoe.runs.gpus import least_used
from semoe.runs.manifest import items_of
from semoe.runs.processes import POLL_SECONDS, WorkerProcess, begin, end, why
from semoe.runs.records import MAX_ATTEMPTS
from semoe.runs.shard_items import STAGES
from semoe.telemetry.progress import progress

LOOK_SECONDS = 2.0
MAX_BACKOFF_SECONDS = 30.0
OnStart = Callable[["subprocess.Popen[bytes]"], None]


@dataclass(slots=True)
class _Attempt:
    worker: WorkerProcess
    number: int
    output: IO[bytes]


@dataclass(kw_only=True, slots=True)
class LocalBackend:
    """Does the shards of one run, stage after stage."""

    folder: RunFolder
    parallelism: int = 1
    options: Sequence[str] = ()
    """More for each worker's command line."""
    max_attempts: int = MAX_ATTEMPTS
    gpus: Sequence[str] = ()
    """Of this machine (`semoe.runs.gpus`): several workers share them out; of one worker they are all."""
    on_start: OnStart = lambda process: None
    """Hears of each process."""
    on_look: Callable[[], None] = lambda: None
    """Called now and then; what it raises ends the run, whose workers keep what they have."""
    _waiting: list[tuple[float, int, int]] = field(default_factory=list)
    """(not before, shard, attempt)"""
    _running: list[_Attempt] = field(default_factory=list)
    _finished: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Does what is not done.

        Raises:
            UsageError: a shard met wrong settings.
            TransientError: a shard was tried too often.
            WorkerError: a shard failed in a way that another attempt would not mend.
        """
        for stage in STAGES:
            self._run_stage(stage, items_of(self.folder, stage))

    def _run_stage(self, stage: str, items: Sequence[int]) -> None:
        self._finished = set(self.folder.finished(stage))
        self._waiting = [(0.0, shard, 1) for shard in range(len(items)) if shard not in self._finished]
        if not self._waiting:
            return
        shown = 0.0
        look = 0.0
        with progress(stage, sum(items), "items") as advance:
            try:
                while self._waiting or self._running:
                    self._start_due(stage)
                    self._collect(stage)
                    if time.monotonic() >= look:
                        self.on_look()
                        done = self._done_items(stage, items)
                        look = time.monotonic() + LOOK_SECONDS
                        advance(max(0.0, done - shown))
                        shown = max(done, shown)
                    time.sleep(POLL_SECONDS)
            finally:
                self._stop_all()
            # A corpus may have more passages than was reckoned.
            advance(max(0.0, sum(items) - shown))

    def _done_items(self, stage: str, items: Sequence[int]) -> float:
        # A shard whose worker was killed waits for another one, but what it did stays done.
        begun = [attempt.worker.shard for attempt in self._running] + [one[1] for one in self._waiting if one[2] > 1]
        beats = [self.folder.find_heartbeat(stage, shard) for shard in begun]
        return sum(items[shard] for shard in self._finished) + sum(beat.done for beat in beats if beat)

    def _start_due(self, stage: str) -> None:
        due = [one for one in self._waiting if one[0] <= time.monotonic()]
        for one in due[: self.parallelism - len(self._running)]:
            self._waiting.remove(one)
            output = TemporaryFile()  # noqa: SIM115  (closed when the attempt is collected)
            worker = begin(
                self.folder,
                stage,
                one[1],
                options=self.options,
                environment=self._environment(),
                gpu=self._gpu(),
                output=output,
            )
            self._running.append(_Attempt(worker, one[2], output))
            self.on_start(worker.process)

    def _collect(self, stage: str) -> None:
        for attempt in [one for one in self._running if one.worker.process.poll() is not None]:
            self._running.remove(attempt)
            with attempt.output as file:
                file.seek(0)
                said = file.read().decode(errors="replace")
            if attempt.worker.process.returncode == 0:
                self._finished.add(attempt.worker.shard)
            else:
                self._failed(stage, attempt, said)

    def _failed(self, stage: str, attempt: _Attempt, said: str) -> None:
        """Decides what becomes of a shard whose process ended badly."""
        code = attempt.worker.process.returncode
        shard = attempt.worker.shard
        # A store that is out of reach now is not what ended the attempt.
        with suppress(SemoeError):
            self.folder.write_log(stage, shard, f"attempt-{attempt.number}", said)
        message, kind = why(self.folder, attempt.worker, said)
        what = f"{stage} shard {shard}, attempt {attempt.number}, ended with {code}: {message}"
        meaning = meaning_of(code)
        if meaning is UsageError:
            raise UsageError(what, kind=kind)
        if meaning is not TransientError:
            raise WorkerError(f"{what} See `semoe logs --run {self.folder.run} --failed`.", kind=kind)
        if attempt.number >= self.max_attempts:
            raise TransientError(f"{what} No attempt is left; `semoe resume` goes on.", kind=kind)
        pause = min(2.0**attempt.number, MAX_BACKOFF_SECONDS) if code == TransientError.exit_code else 0.0
        self._waiting.append((time.monotonic() + pause, shard, attempt.number + 1))

    def _stop_all(self) -> None:
        """Asks the processes to keep what they have and end, and waits for them."""
        end([attempt.worker for attempt in self._running])
        for attempt in self._running:
            attempt.output.close()
        self._running = []
        self._waiting = []

    def _gpu(self) -> str:
        """Returns the GPU of the next worker; empty: whichever it finds."""
        if self.parallelism == 1 or len(self.gpus) < 2:
            return ""
        return least_used(self.gpus, [attempt.worker.gpu for attempt in self._running])

    def _environment(self) -> dict[str, str]:
        """Shares the cores: processes that all use all of them are slower than one."""
        threads = max(1, (os.cpu_count() or 1) // self.parallelism)
        return {"OMP_NUM_THREADS": str(threads)} | os.environ
