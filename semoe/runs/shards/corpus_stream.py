"""The passages of a corpus's shard that the store lacks, with their pairs, as training asks for them."""

from collections import Counter
from collections.abc import Iterator

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import TransientError
from semoe.runs.corpus import passages_of
from semoe.runs.counts import EncodeCounts
from semoe.runs.job import Job
from semoe.runs.plan import CorpusPlan
from semoe.stages.augment import Made, augment_settings
from semoe.stages.augment_ahead import augmented_ahead, processes_for
from semoe.stages.train import Keyed
from semoe.store.barren import NO_PAIRS
from semoe.store.expert_store import ExpertStore


class CorpusStream:
    """Reads a shard once, and counts what became of its passages.

    Args:
        job: the shard.
        corpus: of the run.
        store: what has an expert there, or is known to give nothing to learn, is passed over.
        device: of the model: beside a GPU processes augment.
    """

    def __init__(self, job: Job, corpus: CorpusPlan, store: ExpertStore, *, device: str) -> None:
        self._job = job
        self._corpus = corpus
        self._store = store
        asked = job.augment_processes
        self._num_processes = processes_for(device) if asked is None else asked
        self._manifest = job.folder.settled_manifest()
        self._aside = {one.key for one in job.folder.aside()}
        self._num_found = self._num_augmented = self._num_pairs = 0
        self._rejected = Counter[str]()
        self.keys: dict[str, None] = {}
        """Of the distinct passages, in order."""
        self.without_pairs: dict[str, str] = {}
        """Those that give nothing to learn, and why."""

    @property
    def num_passages(self) -> int:
        """Of the shard, repetitions counted."""
        return self._manifest.passage_shards[self._job.shard].num_items

    def passages(self) -> Iterator[Keyed]:
        """Yields key and augmented passage; ends early when the worker is asked to.

        Raises:
            UsageError: the corpus is another than the planned one.
            TransientError: they are to be augmented by a stage that has not done so yet.
        """
        for made in self._parts() if self._corpus.augment_apart else self._augmented():
            for passage, why in made.failed:
                self._job.set_aside(passage, why)
                self._job.pass_over()
            for passage in made.passages:
                key = passage_key(passage.title, passage.passage)
                if passage.qa:
                    yield key, passage
                else:
                    self.without_pairs[key] = NO_PAIRS
                    self._job.pass_over()

    def counts(self) -> EncodeCounts:
        """Returns what became of the passages, but for what training came to."""
        return EncodeCounts(
            passages=len(self.keys),
            found=self._num_found,
            without_pairs=len(self.without_pairs),
            augmented=self._num_augmented,
            pairs=self._num_pairs,
            rejected=self._rejected,
        )

    def _augmented(self) -> Iterator[Made]:
        settings = augment_settings(self._job.plan.augmented_by, self._job.plan.preset)
        wanted = self._wanted(passages_of(self._corpus, self._manifest, self._job.shard))
        for made in augmented_ahead(wanted, settings, self._num_processes):
            made.count()
            self._num_augmented += len(made.passages)
            self._num_pairs += made.num_pairs
            self._rejected.update(made.rejected)
            yield made

    def _parts(self) -> Iterator[Made]:
        job = self._job
        if job.folder.find_report("augment", job.shard) is None:
            raise TransientError(
                f"Shard {job.shard} is not augmented yet. The same command goes on later.", kind="not-yet"
            )
        prefix = f"augmented/{job.shard:05}/"
        for name in job.folder.names(prefix):
            part = job.folder.read(f"{prefix}{name}", list[AugmentedPassage])
            yield Made(passages=list(self._wanted(iter(part))))

    def _wanted(self, passages: Iterator[AugmentedPassage]) -> Iterator[AugmentedPassage]:
        """Yields those that are not done with."""
        for passage in passages:
            if self._job.stop():
                return
            key = passage_key(passage.title, passage.passage)
            is_new = key not in self.keys
            self.keys[key] = None
            if is_new and not self._is_done_with(key):
                yield passage
            else:
                self._job.pass_over()

    def _is_done_with(self, key: str) -> bool:
        if key in self._store:
            self._num_found += 1
            return True
        if key in self._store.barren:
            self.without_pairs[key] = self._store.barren.reasons[key]
            return True
        return key in self._aside
