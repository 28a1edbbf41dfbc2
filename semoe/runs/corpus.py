"""A run over a whole corpus: its shards are ranges of bytes, of which nobody has read more than a few places.

    runs/{run}/ranges/{shard}.json   what a shard read: from where, to where, how many passages

A place where a record begins is believed, not known (`semoe.stages.record_starts`). Stage `retrieve` reads the corpus
once, each shard on to the end of the record that it is in: so it knows where the next one has to begin. `settle`
compares, and reads again what began elsewhere. Only then is anything augmented or trained.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import UsageError
from semoe.runs.cutting import MAX_SHARDS
from semoe.runs.folder import RunFolder
from semoe.runs.plan import CorpusPlan, Manifest, ShardSize
from semoe.stages.corpus_range import CorpusFile, RangeReader
from semoe.stages.corpus_rates import num_passages_in, require_passages
from semoe.stages.record_starts import cut_evenly
from semoe.stages.retrieve import unaugmented

log = logging.getLogger(__name__)

SHARD_BYTES = 4 << 20
"""Of a shard where nobody says how many there are: some thousands of passages."""
THREADS = 16
"""Shards whose ranges are looked up at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """What a shard read of its corpus."""

    start: int
    end: int
    """Of its last record."""
    num_passages: int
    said: str = ""
    """Why it could not be read; empty: it could."""


def plan_corpus(path: str, quoting: str = "", num_shards: int | None = None, *, apart: bool = False) -> CorpusPlan:
    """Cuts a corpus, and reckons from some places how many passages it has.

    Args:
        path: a file or a folder, or s3://bucket/name of one.
        quoting: how its texts are written (`semoe.retrieval.formats`); empty: as their names say.
        num_shards: wanted; None: one for some megabytes, `MAX_SHARDS` at most.
        apart: whether a stage of its own augments.

    Raises:
        UsageError: no such corpus, or it cannot be cut.
    """
    corpus = CorpusFile.of(path, quoting)
    require_passages(corpus)
    wanted = num_shards or max(1, corpus.size // SHARD_BYTES)
    bounds = cut_evenly(corpus, min(wanted, MAX_SHARDS))
    sizes, error = num_passages_in(corpus, bounds)
    return CorpusPlan(file=corpus, bounds=bounds, num_passages=tuple(sizes), error=error, augment_apart=apart)


def read_range(
    folder: RunFolder,
    plan: CorpusPlan,
    shard: int,
    start: int | None = None,
    *,
    advance: Callable[[float], None] = lambda count: None,
) -> Range:
    """Reads a shard, and keeps from where to where and how many passages there are.

    Args:
        folder: of the run.
        plan: of its corpus.
        shard: which.
        start: where it certainly begins; None: where the plan believes that it does.
        advance: hears of passages.

    Raises:
        UsageError: the corpus is another than the planned one, or what certainly is a record is no passage.
        TransientError: the store does not answer.
    """
    plan.file.require_same()
    is_sure = shard == 0 or start is not None
    reader = RangeReader(plan.file, plan.bounds[shard] if start is None else start, plan.bounds[shard + 1])
    count = 0
    said = ""
    try:
        for _ in reader:
            count += 1
            advance(1)
    except UsageError as error:
        if is_sure:
            raise
        # It may have begun in the middle of a record: `settle` knows.
        said = str(error)
        log.warning("shard %d: %s", shard, said)
    kept = Range(start=reader.start, end=reader.end, num_passages=count, said=said)
    folder.write(f"ranges/{shard:05}.json", kept, Range)
    return kept


def settle(folder: RunFolder, plan: CorpusPlan) -> Manifest:
    """Makes sure that each shard began where the one before it ended; where not, it is read again from there.

    Whoever is killed in between, or does it at the same time, finds the same places and goes on.

    Args:
        folder: of the run, whose shards are all read.
        plan: of its corpus.

    Raises:
        UsageError: a shard is not read yet, or what it read is no passage.
    """
    shards = range(len(plan.bounds) - 1)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda shard: folder.find(f"ranges/{shard:05}.json", Range), shards))
    if None in found:
        raise UsageError(
            f"Run {folder.run}: shard {found.index(None)} is not read yet. Go on with "
            f"`semoe resume --run {folder.run}`.",
            kind="no-manifest",
        )
    settled: list[Range] = []
    for shard, one in zip(shards, found, strict=True):
        start = settled[-1].end if settled else 0
        if one is None or one.start != start or one.said:
            log.warning("%s: shard %d is read again, from byte %d.", plan.file.path, shard, start)
            one = read_range(folder, plan, shard, start)  # noqa: PLW2901  (what was read in its place)
        settled.append(one)
    count = sum(one.num_passages for one in settled)
    return Manifest(
        num_passages=count,
        num_retrieved=count,
        num_tokens=0,
        passage_shards=tuple(ShardSize(num_items=one.num_passages) for one in settled),
        starts=tuple(one.start for one in settled),
    )


def passages_of(plan: CorpusPlan, manifest: Manifest, shard: int) -> Iterator[AugmentedPassage]:
    """Yields the passages of a shard, once it is settled.

    Raises:
        UsageError: the corpus is another than the planned one.
    """
    plan.file.require_same()
    bounds = (*manifest.starts, plan.bounds[-1])
    return map(unaugmented, RangeReader(plan.file, bounds[shard], bounds[shard + 1]))


def first_passages(plan: CorpusPlan, shard: int, count: int) -> list[AugmentedPassage]:
    """Returns the first passages of a shard, to measure with; what cannot be read there is left out."""
    found: list[AugmentedPassage] = []
    with suppress(UsageError):
        found += map(unaugmented, islice(RangeReader(plan.file, plan.bounds[shard], plan.bounds[shard + 1]), count))
    return found
