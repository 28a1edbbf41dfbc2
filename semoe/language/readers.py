"""Processes that read drafts while the model goes on writing.

Reading a draft takes milliseconds of a core, in which a GPU writes a token for hundreds of rows. Where a process is
missing, nothing is: whoever wants a text read that no process has read reads it itself.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
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
"""With this process's path alone, not the working folder before it."""
SECONDS = 60.0
"""A draft takes milliseconds, and a parser a second or two to load."""
Process = subprocess.Popen[str]
_Asked = tuple[Ask, "Future[Reading | None]"]


class _Reader:
    """A process, and since when it is asked."""

    def __init__(self, process: Process | None) -> None:
        self.begun = process
        self.process = process
        """None once it has ended."""
        self.since: float | None = None


class Readers:
    """Some processes, begun at once; each loads its parser.

    Args:
        number: of processes.
        command: what each of them runs.
    """

    def __init__(self, number: int, command: Sequence[str] = READER) -> None:
        self._asks = SimpleQueue[_Asked | None]()
        readers = [_Reader(_started(command)) for _ in range(number)]
        stopped = threading.Event()
        self.close = weakref.finalize(self, _end, readers, self._asks, stopped)
        """Ends them; done by itself when nobody knows them any longer."""
        # Daemons: whatever a process does, this one can end.
        for reader in readers:
            threading.Thread(target=_serve, args=(reader, self._asks), daemon=True, name="reader").start()
        threading.Thread(target=_watch, args=(readers, stopped), daemon=True, name="readers").start()

    def begin(self, ask: Ask) -> "Future[Reading | None]":
        """Begins to read a text; None comes of it where the process has ended."""
        future = Future[Reading | None]()
        self._asks.put((ask, future))
        return future


@cache
def readers_for(device: str) -> Readers | None:
    """Returns this process's readers, where answers are written on such a device; None: each text is read when needed.

    Raises:
        UsageError: spaCy is not installed, or `SEMOE_READERS` is no number.
    """
    number = _wanted()
    if device == "cpu" or number < 1 or getattr(sys, "frozen", False):
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


def _started(command: Sequence[str]) -> Process | None:
    folders = [one or "." for one in sys.path if isinstance(one, str)]
    try:
        return subprocess.Popen(  # noqa: S603  (our own command)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(folders)},
            start_new_session=True,  # Ctrl-C is for us; they end with their input
        )
    except OSError as error:
        log.warning("A process that reads drafts could not be begun (%s); this one reads in its place.", error)
        return None


def _serve(reader: _Reader, asks: "SimpleQueue[_Asked | None]") -> None:
    """Runs in a thread, which waits for its process."""
    while asked := asks.get():
        ask, future = asked
        reading = None if reader.process is None else _reading(reader, reader.process, ask)
        if reader.process is not None and reading is None:
            reader.process.kill()
            code = reader.process.wait()
            log.warning("A process that reads drafts has ended (exit code %s); this one reads in its place.", code)
            reader.process = None
        future.set_result(reading)


def _reading(reader: _Reader, process: Process, ask: Ask) -> Reading | None:
    """Returns its answer; None where it has none."""
    assert process.stdin is not None, "it was started with a pipe"
    assert process.stdout is not None, "likewise"
    reader.since = time.monotonic()
    try:
        print(json.dumps(ask), file=process.stdin, flush=True)
        return Reading.of_line(process.stdout.readline())
    except (OSError, ValueError, TypeError):
        return None
    finally:
        reader.since = None


def _watch(readers: Sequence[_Reader], stopped: threading.Event) -> None:
    """Runs in a thread, and ends processes that do not answer.

    Whoever waits for one could look at the clock himself, but each call that may wait hands over Python's interpreter,
    and has it again milliseconds later.
    """
    while not stopped.wait(SECONDS / 4):
        for reader in readers:
            if reader.process and reader.since and time.monotonic() - reader.since > SECONDS:
                reader.process.kill()


def _end(readers: Sequence[_Reader], asks: "SimpleQueue[_Asked | None]", stopped: threading.Event) -> None:
    stopped.set()
    for reader in readers:
        if reader.begun:
            reader.begun.kill()  # it holds nothing
        asks.put(None)
    for process in (reader.begun for reader in readers if reader.begun):
        process.wait()
        for stream in (process.stdin, process.stdout):
            # What was on its way to one that had ended cannot be written any more.
            with suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()
