"""A run over a whole corpus: its shards are ranges of bytes, of which nobody has read more than a few places.

    runs/{run}/ranges/{shard}.json   what a shard read: from where, to where
    runs/{run}/starts/{shard}.json   where a shard begins in truth, if that was found to be elsewhere
    runs/{run}/keys/{shard}.bin      the key of each passage that it read

A place where a record begins is believed, not known (`semoe.stages.record_starts`). A shard reads on to the end of the
record that it is in, so it knows where the next one has to begin. `settle` compares, and reads again what began
elsewhere.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import TransientError, UsageError
from semoe.retrieval.passage import Passage
from semoe.runs.cutting import MAX_SHARDS
from semoe.runs.folder import RunFolder
from semoe.runs.plan import CorpusPlan, Manifest, ShardSize
from semoe.stages.corpus_range import CorpusFile, RangeReader
from semoe.stages.corpus_rates import num_passages_in, require_passages
from semoe.stages.record_starts import cut_evenly

log = logging.getLogger(__name__)

SHARD_BYTES = 4 << 20
"""Of a shard where nobody says how many there are: some thousands of passages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """What a shard read of its corpus."""

    start: int
    end: int
    """Of its last record."""
    num_passages: int
    said: str = ""
    """Why it could not be read; empty: it could."""


def plan_corpus(path: str, quoting: str = "", num_shards: int | None = None) -> tuple[CorpusPlan, Manifest]:
    """Cuts a corpus, and reckons from some places how many passages it has.

    Args:
        path: a file or a folder, or s3://bucket/name of one.
        quoting: how its texts are written (`semoe.retrieval.formats`); empty: as their names say.
        num_shards: wanted; None: one for some megabytes, `MAX_SHARDS` at most.

    Raises:
        UsageError: no such corpus, or it cannot be cut.
    """
    corpus = CorpusFile.of(path, quoting)
    require_passages(corpus)
    wanted = num_shards or max(1, corpus.size // SHARD_BYTES)
    bounds = cut_evenly(corpus, min(wanted, MAX_SHARDS))
    sizes = num_passages_in(corpus, bounds)
    manifest = Manifest(
        num_passages=sum(sizes),
        num_retrieved=0,
        num_tokens=0,
        passage_shards=tuple(ShardSize(num_items=max(1, size)) for size in sizes),
    )
    return CorpusPlan(file=corpus, bounds=bounds), manifest


def read_shard(folder: RunFolder, plan: CorpusPlan, shard: int) -> tuple[list[AugmentedPassage], int]:
    """Reads the passages of a shard, and keeps what it read; returns them and where it began.

    Raises:
        UsageError: the corpus is another than the planned one, or what certainly is a record is no passage.
        TransientError: the store does not answer.
    """
    plan.file.require_same()
    known = folder.find(f"starts/{shard:05}.json", int)
    start = plan.bounds[shard] if known is None else known
    reader = RangeReader(plan.file, start, plan.bounds[shard + 1])
    found: list[AugmentedPassage] = []
    said = ""
    try:
        found += map(_unaugmented, reader)
    except UsageError as error:
        if shard == 0 or known is not None:
            raise
        # It may have begun in the middle of a record: `settle` knows.
        found, said = [], str(error)
        log.warning("shard %d: %s", shard, said)
    folder.write_keys([passage_key(one.title, one.passage) for one in found], shard)
    kept = Range(start=start, end=reader.end, num_passages=len(found), said=said)
    folder.write(f"ranges/{shard:05}.json", kept, Range)
    return found, start


def parts_of(shard: int, start: int) -> str:
    """Returns the prefix of a shard's augmented passages, as they were read from a byte on: no other reading's."""
    return f"augmented/{shard:05}/{start:015}/"


def settled_parts(folder: RunFolder, shard: int) -> str:
    """Returns the prefix of a shard's augmented passages, once it is settled.

    Raises:
        TransientError: it is not augmented yet.
    """
    if folder.find_report("augment", shard) is None:
        raise TransientError(f"Shard {shard} is not augmented yet. The same command goes on later.", kind="not-yet")
    return parts_of(shard, folder.read(f"ranges/{shard:05}.json", Range).start)


def first_passages(plan: CorpusPlan, shard: int, count: int) -> list[AugmentedPassage]:
    """Returns the first passages of a shard, to measure with; what cannot be read there is left out."""
    found: list[AugmentedPassage] = []
    with suppress(UsageError):
        found += map(_unaugmented, islice(RangeReader(plan.file, plan.bounds[shard], plan.bounds[shard + 1]), count))
    return found


def settle(folder: RunFolder, plan: CorpusPlan, augment: Callable[[int], object]) -> None:
    """Makes sure that each shard began where the one before it ended; where not, it is read again from there.

    Whoever is killed in between, or does it at the same time, finds the same places and goes on.

    Args:
        folder: of the run, whose shards are all read and augmented.
        plan: of its corpus.
        augment: does so with a shard that is not done.

    Raises:
        UsageError: a shard is not augmented yet, or what it read is no passage.
    """
    start = 0
    for shard in range(len(plan.bounds) - 1):
        known = folder.find(f"starts/{shard:05}.json", int)
        found = folder.find(f"ranges/{shard:05}.json", Range)
        if known is None and (found is None or folder.find_report("augment", shard) is None):
            raise UsageError(
                f"Run {folder.run}: shard {shard} is not augmented yet. Go on with `semoe resume --run {folder.run}`.",
                kind="no-manifest",
            )
        if found is None or found.start != start or found.said:
            log.warning("%s: shard %d is read again, from byte %d.", plan.file.path, shard, start)
            folder.write(f"starts/{shard:05}.json", start, int)
            folder.remove(f"shards/augment/{shard:05}.json")
        if folder.find_report("augment", shard) is None:
            augment(shard)
        start = folder.read(f"ranges/{shard:05}.json", Range).end


def _unaugmented(passage: Passage) -> AugmentedPassage:
    return AugmentedPassage(pid=0, passage=passage.text, title=passage.title, id=passage.id)
