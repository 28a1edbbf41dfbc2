"""A shard of stage `augment`: rewrite and question-answer pairs for a shard's passages, a part at a time."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from semoe.augment.contract import Augmenter
from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import SemoeError
from semoe.models.identity import digest_of_folder
from semoe.models.names import resolve_model
from semoe.runs.corpus import parts_of, read_shard
from semoe.runs.counts import AugmentCounts
from semoe.runs.job import Job
from semoe.runs.plan import CorpusPlan
from semoe.runs.records import SetAside
from semoe.stages.augment import augmented, augmenter_for

log = logging.getLogger(__name__)
Passages = list[AugmentedPassage]
PART = 32
"""Passages that are augmented at once."""


def augment_shard(job: Job) -> tuple[AugmentCounts, str]:
    """Writes `augmented/{shard}/{part}.json`."""
    if job.plan.augmented_by == job.plan.model_name:
        folder = resolve_model(job.plan.model_name)
        job.require_planned(digest_of_folder(folder, job.plan.preset.chat.values()))
    work = _Work(job)
    made = work.of_a_corpus(job.plan.corpus) if job.plan.corpus else work.of_questions()
    counts = AugmentCounts(
        passages=len(made),
        pairs=sum(len(one.qa) for one in made),
        without_pairs=sum(not one.qa for one in made),
        rejected=work.rejected,
    )
    return counts, ""


class _Work:
    """Augments the passages of a shard."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._prefix = f"augmented/{job.shard:05}"
        self.rejected = Counter[str]()

    @cached_property
    def _augmenter(self) -> Augmenter:
        return augmenter_for(self._job.plan.augmented_by, self._job.plan.preset)

    def of_questions(self) -> Passages:
        """Makes parts of equal size."""
        folder = self._job.folder
        passages = folder.passages(self._job.shard)
        self._job.begin(len(passages))
        for name, part in self._job.parts(self._prefix, passages, PART):
            folder.create(name, self._augmented(part), Passages)
        return folder.read_all(f"{self._prefix}/", Passages)

    def of_a_corpus(self, corpus: CorpusPlan) -> Passages:
        """Makes parts one behind the other, each of as many as `commit_seconds` come to: few objects, little lost."""
        folder = self._job.folder
        passages, start = read_shard(folder, corpus, self._job.shard)
        prefix = parts_of(self._job.shard, start)
        made = Passages()
        self._job.begin(len(passages))
        while len(made) < len(passages) and not self._job.stop():
            name = f"{prefix}{len(made):08}.json"
            part = folder.find(name, Passages)
            if part is None:
                own = self._some(passages[len(made) :])
                # Where two do the same shard, both go on from what the first has kept.
                part = own if folder.create(name, own, Passages) else folder.read(name, Passages)
            else:
                self._job.advance(len(part))
            made += part
        return made

    def _augmented(self, passages: Sequence[AugmentedPassage]) -> Passages:
        """Augments passages; where that fails, each alone: one that fails again is set aside, and the shard goes on."""
        try:
            return augmented(self._augmenter, passages, self.rejected)
        except (SemoeError, MemoryError):
            raise  # of settings or of the machine: no passage's fault
        except Exception:
            log.exception("%d passages could not be augmented together; each is tried alone", len(passages))
        return [self._alone(passage) for passage in passages]

    def _alone(self, passage: AugmentedPassage) -> AugmentedPassage:
        try:
            return augmented(self._augmenter, [passage], self.rejected)[0]
        except (SemoeError, MemoryError):
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            log.warning("passage %s (%s) is set aside: %s", passage.id, passage.title, why)
            key = passage_key(passage.title, passage.passage)
            aside = SetAside(key=key, id=passage.id, title=passage.title, shard=self._job.shard, why=why)
            self._job.folder.set_aside(aside)
            return passage

    def _some(self, passages: Passages) -> Passages:
        made = Passages()
        began = time.monotonic()
        for first in range(0, len(passages), PART):
            made += self._augmented(passages[first : first + PART])
            # A part may take minutes: meanwhile `status` should not take its worker for gone.
            self._job.advance(len(made) - first)
            if time.monotonic() - began >= self._job.commit_seconds or self._job.stop():
                break
        return made
