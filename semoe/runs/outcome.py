"""How far a run was when something ended it, finished or not: `outcome.json`, for whoever asks afterwards.

Written by `semoe report --partial`, which on a cluster is the workflow's exit handler.
"""

import time
from dataclasses import dataclass

from semoe.runs.folder import RunFolder
from semoe.runs.records import Failure
from semoe.runs.report import RunReport
from semoe.runs.reporting import make_report
from semoe.runs.status import StageStatus, failures_of, status_of

POLL_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """`outcome.json`."""

    run: str
    time: float
    """When it was written, in seconds since 1970."""
    said: str
    """What ended it says of it: a workflow's phase; empty where nothing was told."""
    is_finished: bool
    stages: tuple[StageStatus, ...]
    failures: tuple[Failure, ...]
    """Of shards that are not finished, final ones first, then the oldest."""


def make_outcome(folder: RunFolder, said: str = "", wait_seconds: float = 0.0) -> tuple[Outcome, RunReport | None]:
    """Writes how far the run is, and its report if it is finished.

    Args:
        folder: the run.
        said: what ended it says of it.
        wait_seconds: for workers that are alive, at most so long: at a workflow's deadline Argo runs the exit handler
            while they still have their grace, and what they commit in it belongs to the outcome.
    """
    stages = status_of(folder)
    until = time.monotonic() + wait_seconds
    while any(one.alive for one in stages) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        stages = status_of(folder)
    is_finished = all(one.finished == one.num_shards for one in stages)
    outcome = Outcome(
        run=folder.run,
        time=time.time(),
        said=said,
        is_finished=is_finished,
        stages=tuple(stages),
        failures=tuple(failures_of(folder)),
    )
    folder.write("outcome.json", outcome, Outcome)
    return outcome, make_report(folder) if is_finished else None
