"""Does one shard of one stage, and survives being killed: what a pod, and a process of a local run, does.

A finished shard is not done again; an unfinished one goes on from what is in the store. SIGTERM lets it finish what is
in hand, keep it, and end with the code that asks for another attempt.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from semoe.errors import SemoeError, TransientError, UsageError
from semoe.runs.counts import named_counts
from semoe.runs.folder import RunFolder
from semoe.runs.job import Job
from semoe.runs.plan import require_current
from semoe.runs.records import Failure, ShardReport
from semoe.runs.shard_items import shard_items
from semoe.runs.shards import works
from semoe.runs.stopping import asked_to_stop
from semoe.store.times import COMMIT_SECONDS
from semoe.telemetry.counting import metrics

log = logging.getLogger(__name__)


def run_shard(folder: RunFolder, stage: str, shard: int) -> ShardReport:
    """Does a shard that is not done yet; returns its report. See `do_shard`."""
    return folder.find_report(stage, shard) or do_shard(folder, stage, shard)


@metrics.count_errors()
def do_shard(
    folder: RunFolder,
    stage: str,
    shard: int,
    *,
    commit_seconds: float = COMMIT_SECONDS,
    device: str = "auto",
    augment_processes: int | None = None,
) -> ShardReport:
    """Does a shard; returns its report.

    Args:
        folder: the run.
        stage: a stage of it.
        shard: which one, from 0.
        commit_seconds: publish experts at least so often.
        device: of the base model.
        augment_processes: that augment a corpus beside its training; None: as the device asks for.

    Raises:
        UsageError: no such run, stage or shard.
        TransientError: it was asked to stop, or the store does not answer: the same call goes on later.
    """
    plan = folder.plan()
    require_current(plan)
    count = len(shard_items(stage, plan, folder.manifest()))
    if not 0 <= shard < count:
        raise UsageError(f"Stage {stage} of {folder.run} has shards 0 to {count - 1}, not {shard}.", kind="no-shard")
    with asked_to_stop() as stop:
        job = Job(
            folder=folder,
            plan=plan,
            stage=stage,
            shard=shard,
            stop=stop,
            commit_seconds=commit_seconds,
            device=device,
            augment_processes=augment_processes,
        )
        with job.logged(), _failure_kept(job):
            return _done(job)


def _done(job: Job) -> ShardReport:
    """Does the work of a shard, and marks it as finished."""
    counts, space = works[job.stage](job)
    if job.stop():
        raise TransientError("Asked to stop. What is finished is kept; the same shard goes on.", kind="stopped")
    report = ShardReport(
        stage=job.stage,
        shard=job.shard,
        seconds=job.seconds,
        time=time.time(),
        counts=named_counts(counts),
        space=space,
        device=job.computed_on,
    )
    job.folder.write_report(report)
    return report


@contextmanager
def _failure_kept(job: Job) -> Iterator[None]:
    """Writes to the store why an attempt ended badly, so that `status` can say it when the worker is long gone."""
    try:
        yield
    except Exception as error:
        kind = error.kind if isinstance(error, SemoeError) else type(error).__name__
        code = error.exit_code if isinstance(error, SemoeError) else SemoeError.exit_code
        failure = Failure(
            stage=job.stage,
            shard=job.shard,
            worker=job.worker,
            kind=kind,
            message=str(error),
            exit_code=code,
            time=time.time(),
        )
        # Where the store itself is out of reach, the first error is the one to hear of.
        with suppress(Exception):
            job.folder.write_failure(failure)
        raise
