"""Processes that read drafts while the model goes on writing.

Reading a draft takes milliseconds of a core, in which a GPU writes a token for hundreds of rows. Where a process is
missing, nothing is: whoever wants a text read that no process has read reads it itself.
"""

import json
import logging
import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from queue import SimpleQueue

from semoe.errors import UsageError
from semoe.language.english import require_parser
from semoe.language.reader import Ask, Reading

log = logging.getLogger(__name__)

MOST = 8
"""So many read what 500 rows of a small model write; each takes 160 MB."""
CORES = 4
"""Of a machine on which it helps; half of them are left to others."""
READER = (sys.executable, "-P", "-m", "semoe.language.reader")
"""Without the working folder before all others on its path, as an installed command has none."""
Process = subprocess.Popen[str]


class Readers:
    """Some processes, begun at once; each loads its parser.

    Args:
        number: of processes.
        command: what each of them runs.
    """

    def __init__(self, number: int, command: Sequence[str] = READER) -> None:
        processes = [_started(command) for _ in range(number)]
        self._idle = SimpleQueue[Process | None]()
        for process in processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(max_workers=number, thread_name_prefix="reader")
        self.close = weakref.finalize(self, _end, processes)
        """Ends them; done by itself when nobody knows them any longer."""

    def begin(self, ask: Ask) -> "Future[Reading | None]":
        """Begins to read a text; None comes of it where the process has ended."""
        return self._threads.submit(_ask, self._idle, ask)


@cache
def readers_for(device: str) -> Readers | None:
    """Returns this process's readers, where answers are written on such a device; None: each text is read when needed.

    Raises:
        UsageError: spaCy is not installed, or `SEMOE_READERS` is no number.
    """
    number = _wanted()
    if device == "cpu" or number < 1:
        return None
    require_parser()
    return Readers(number)


def _wanted() -> int:
    """As many as `SEMOE_READERS` says; otherwise half the cores, of which a pod says how many it may use."""
    if asked := os.environ.get("SEMOE_READERS", ""):
        if not asked.isdecimal():
            raise UsageError(f"SEMOE_READERS must be a number of processes, not {asked!r}.", kind="bad-value")
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    cores = min(cores, int(allowed)) if allowed.isdecimal() else cores
    return min(MOST, cores // 2) if cores >= CORES else 0


def _started(command: Sequence[str]) -> Process:
    return subprocess.Popen(  # noqa: S603  (our own command)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(one or "." for one in sys.path)},
        start_new_session=True,  # Ctrl-C is for us; they end with their input
    )


def _ask(idle: "SimpleQueue[Process | None]", ask: Ask) -> Reading | None:
    """Runs in a thread, which waits for the process."""
    process = idle.get()
    if process is not None:
        try:
            reading = Reading.of_line(_answer(process, json.dumps(ask)))
        except ValueError:
            process.kill()
        else:
            idle.put(process)
            return reading
        log.warning(
            "A process that reads drafts has ended (exit code %s); this one reads in its place.", process.poll()
        )
    idle.put(None)
    return None


def _answer(process: Process, line: str) -> str:
    """Returns its line; none where the process has ended."""
    assert process.stdin is not None, "it was started with a pipe"
    assert process.stdout is not None, "likewise"
    try:
        print(line, file=process.stdin, flush=True)
        return process.stdout.readline()
    except (OSError, ValueError):
        return ""


def _end(processes: Sequence[Process]) -> None:
    for process in processes:
        process.kill()  # it holds nothing
    for process in processes:
        process.wait()
        for stream in (process.stdin, process.stdout):
            # What was on its way to one that had ended cannot be written any more.
            with suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()
