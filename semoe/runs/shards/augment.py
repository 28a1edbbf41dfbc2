"""A shard of stage `augment`: rewrite and question-answer pairs for a shard's passages, a part at a time."""

import time
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from semoe.augment.contract import Augmenter
from semoe.datasets.augmented import AugmentedPassage
from semoe.models.identity import digest_of_folder
from semoe.models.names import resolve_model
from semoe.runs.corpus import passages_of
from semoe.runs.counts import AugmentCounts
from semoe.runs.job import Job
from semoe.stages.augment import Made, augmented_but_failing, augmenter_for

Passages = list[AugmentedPassage]
PART = 32
"""Passages that are augmented at once."""
MOST_PASSAGES = 8192
"""Of an object: some 16 MB."""


def augment_shard(job: Job) -> tuple[AugmentCounts, str]:
    """Writes `augmented/{shard}/{first passage}.json`."""
    if job.plan.augmented_by == job.plan.model_name:
        folder = resolve_model(job.plan.model_name)
        job.require_planned(digest_of_folder(folder, job.plan.preset.chat.values()))
    work = _Work(job)
    work.run()
    return work.counts(), ""


class _Work:
    """Augments the passages of a shard, in parts one behind the other.

    A part has as many as `commit_seconds` come to: few objects, and little is lost. One that cannot be augmented stays
    in its part as it is, and is set aside.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._made = Made()

    @cached_property
    def _augmenter(self) -> Augmenter:
        return augmenter_for(self._job.plan.augmented_by, self._job.plan.preset)

    def run(self) -> None:
        """Goes on from the parts that are there."""
        job = self._job
        num_passages, passages = self._passages()
        job.begin(num_passages)
        done = 0
        while done < num_passages and not job.stop():
            name = f"augmented/{job.shard:05}/{done:08}.json"
            part = job.folder.find(name, Passages)
            if part is None:
                part = self._some(passages)
                if not part:
                    return
                if not job.folder.create(name, part, Passages):
                    # Another does the same shard: both go on from what the first has kept.
                    part = job.folder.read(name, Passages)
                    passages = islice(self._passages()[1], done + len(part), None)
            else:
                job.pass_over(len(part))
                passages = islice(passages, len(part), None)
            done += len(part)
            self._made.passages.extend(part)

    def counts(self) -> AugmentCounts:
        """Returns what all parts come to; what was rejected is known of this attempt's alone."""
        made = self._made.passages
        return AugmentCounts(
            passages=len(made),
            pairs=self._made.num_pairs,
            without_pairs=sum(not one.qa for one in made),
            rejected=self._made.rejected,
        )

    def _passages(self) -> tuple[int, Iterator[AugmentedPassage]]:
        job = self._job
        if job.plan.corpus is None:
            found = job.folder.passages(job.shard)
            return len(found), iter(found)
        manifest = job.folder.settled_manifest()
        size = manifest.passage_shards[job.shard].num_items
        return size, passages_of(job.plan.corpus, manifest, job.shard)

    def _some(self, passages: Iterator[AugmentedPassage]) -> Passages:
        found = Passages()
        began = time.monotonic()
        while part := list(islice(passages, PART)):
            made = augmented_but_failing(self._augmenter, part)
            made.count()
            self._made.rejected.update(made.rejected)
            for passage, why in made.failed:
                self._job.set_aside(passage, why)
            found += [*made.passages, *(passage for passage, _ in made.failed)]
            # A part may take minutes: meanwhile `status` should not take its worker for gone.
            self._job.advance(len(part))
            is_due = time.monotonic() - began >= self._job.commit_seconds or len(found) >= MOST_PASSAGES
            if is_due or self._job.stop():
                break
        return found
