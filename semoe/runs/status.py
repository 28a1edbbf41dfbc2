"""How far a run is, read from the store, whatever does the work."""

import statistics
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass

from semoe.runs.folder import RunFolder
from semoe.runs.records import Failure
from semoe.runs.shard_items import ON_PASSAGES, STAGES, shard_items
from semoe.runs.spending import SLOWEST, heartbeats_of

COLUMNS = ("stage", "shards", "finished", "alive", "silent", "items", "items/s", "min left")
"""Of a table of stages, for people."""
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
    left: float = 0
    """Items of all shards that are not done, as far as is known."""
    slowest: tuple[tuple[int, float], ...] = ()
    """Shards that are worked on, and the items a second of each; the slowest first."""
    median_rate: float = 0
    """Items a second of the shard in the middle of all that are worked on."""

    @property
    def seconds_left(self) -> float | None:
        """For what is left, at the present rate; None where that is not known."""
        return self.left / self.items_per_second if self.items_per_second else None


def status_of(folder: RunFolder) -> list[StageStatus]:
    """Reads how far each stage is."""
    plan = folder.plan()
    manifest = folder.manifest()
    found = []
    for stage in STAGES:
        known = manifest is not None or stage not in ON_PASSAGES
        found.append(_stage(folder, stage, shard_items(stage, plan, manifest) if known else None))
    return found


def is_finished(folder: RunFolder) -> bool:
    """Whether every shard of every stage is done."""
    return all(one.finished == one.num_shards for one in status_of(folder))


def stage_row(one: StageStatus) -> dict[str, str]:
    """Returns a stage as a row of the table."""
    left = one.seconds_left
    values = (
        one.stage,
        "?" if one.num_shards is None else str(one.num_shards),
        str(one.finished),
        str(one.alive),
        str(one.silent),
        f"{one.done:.0f} of {one.total}" if one.total else "",
        f"{one.items_per_second:.2f}" if one.alive else "",
        "" if left is None else f"{left / 60:.1f}",
    )
    return dict(zip(COLUMNS, values, strict=True))


def failures_of(folder: RunFolder) -> Sequence[Failure]:
    """Returns why unfinished shards are unfinished: what no further attempt would mend first, then the oldest."""
    found = [failure for stage in STAGES for failure in folder.failures(stage)]
    return sorted(found, key=lambda one: (not one.is_final, one.time))


def _stage(folder: RunFolder, stage: str, items: Sequence[int] | None) -> StageStatus:
    finished = set(folder.finished(stage))
    begun = heartbeats_of(folder, stage, finished)
    beats = [beat for _, beat in begun]
    # A worker that failed said so: its last sign of life may be younger than its end.
    failed = {name.removesuffix(".json").rpartition("-")[2] for name in folder.names(f"failures/{stage}/")}
    alive = [beat for beat in beats if time.time() - beat.time < ALIVE_SECONDS and beat.worker not in failed]
    done, total = sum(beat.done for beat in beats), sum(beat.total for beat in beats)
    rates = [(shard, beat.items_per_second) for shard, beat in begun if beat in alive]
    return StageStatus(
        stage=stage,
        num_shards=None if items is None else len(items),
        finished=len(finished),
        alive=len(alive),
        silent=len(beats) - len(alive),
        done=done,
        total=total,
        items_per_second=sum(beat.items_per_second for beat in alive),
        left=max(0.0, total + _not_begun(items or (), {*finished, *(shard for shard, _ in begun)}) - done),
        slowest=tuple(sorted(rates, key=lambda one: one[1])[:SLOWEST]),
        median_rate=statistics.median([rate for _, rate in rates] or [0]),
    )


def _not_begun(items: Sequence[int], begun: Set[int]) -> int:
    return sum(count for shard, count in enumerate(items) if shard not in begun)
