"""How far a run is, read from the store, whatever does the work."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from semoe.runs.folder import RunFolder
from semoe.runs.records import Failure
from semoe.runs.shard_items import ON_PASSAGES, STAGES, shard_items

ALIVE_SECONDS = 60.0
"""A worker that said nothing for longer is taken for gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageStatus:
    """One stage of a run."""

    stage: str
    num_shards: int | None
    """None: not known before retrieval."""
    finished: int
    alive: int
    """Shards whose worker gave a sign of life of late, and has not told of its end since."""
    silent: int
    """Shards that were begun, are not finished, and say nothing."""
    done: float
    """Items of the shards that are begun and not finished."""
    total: int
    """The same, done or not."""
    items_per_second: float
    """Of the workers that are alive."""

    @property
    def seconds_left(self) -> float | None:
        """Of the shards that are being worked on, at the present rate; None where that is not known."""
        return (self.total - self.done) / self.items_per_second if self.items_per_second else None


def status_of(folder: RunFolder) -> list[StageStatus]:
    """Reads how far each stage is."""
    plan = folder.plan()
    manifest = folder.manifest()
    found = []
    for stage in STAGES:
        known = manifest is not None or stage not in ON_PASSAGES
        found.append(_stage(folder, stage, len(shard_items(stage, plan, manifest)) if known else None))
    return found


def failures_of(folder: RunFolder) -> Sequence[Failure]:
    """Returns why unfinished shards are unfinished: what no further attempt would mend first, then the oldest."""
    found = [failure for stage in STAGES for failure in folder.failures(stage)]
    return sorted(found, key=lambda one: (not one.is_final, one.time))


def _stage(folder: RunFolder, stage: str, count: int | None) -> StageStatus:
    finished = set(folder.finished(stage))
    begun = {int(name.partition(".")[0]) for name in folder.names(f"progress/{stage}/")} - finished
    beats = [beat for shard in sorted(begun) if (beat := folder.find_heartbeat(stage, shard))]
    # A worker that failed said so: its last sign of life may be younger than its end.
    failed = {name.removesuffix(".json").rpartition("-")[2] for name in folder.names(f"failures/{stage}/")}
    alive = [beat for beat in beats if time.time() - beat.time < ALIVE_SECONDS and beat.worker not in failed]
    return StageStatus(
        stage=stage,
        num_shards=count,
        finished=len(finished),
        alive=len(alive),
        silent=len(beats) - len(alive),
        done=sum(beat.done for beat in beats),
        total=sum(beat.total for beat in beats),
        items_per_second=sum(beat.items_per_second for beat in alive),
    )
