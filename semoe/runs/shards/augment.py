"""A shard of stage `augment`: rewrite and question-answer pairs for a shard's passages, a part at a time."""

from collections import Counter

from semoe.augment.contract import Augmenter
from semoe.datasets.augmented import AugmentedPassage
from semoe.models.identity import digest_of_folder
from semoe.models.names import resolve_model
from semoe.runs.corpus import read_shard
from semoe.runs.counts import AugmentCounts
from semoe.runs.job import Job
from semoe.stages.augment import augmented, augmenter_for

PART = 32
CORPUS_PART = 1024
"""Of a whole corpus: some megabytes, for objects of 32 passages would be a million; what a killed worker loses."""


def augment_shard(job: Job) -> tuple[AugmentCounts, str]:
    """Writes `augmented/{shard}/{part}.json`."""
    prefix = f"augmented/{job.shard:05}"
    corpus = job.plan.corpus
    passages = read_shard(job.folder, corpus, job.shard) if corpus else job.folder.passages(job.shard)
    rejected = Counter[str]()
    augmenter: Augmenter | None = None
    if job.plan.augmented_by == job.plan.model_name:
        folder = resolve_model(job.plan.model_name)
        job.require_planned(digest_of_folder(folder, job.plan.preset.chat.values()))
    job.begin(len(passages))
    for name, part in job.parts(prefix, passages, CORPUS_PART if corpus else PART):
        augmenter = augmenter or augmenter_for(job.plan.augmented_by, job.plan.preset)
        job.folder.create(name, augmented(augmenter, part, rejected), list[AugmentedPassage])
    made = job.folder.read_all(f"{prefix}/", list[AugmentedPassage])
    counts = AugmentCounts(
        passages=len(made),
        pairs=sum(len(one.qa) for one in made),
        without_pairs=sum(not one.qa for one in made),
        rejected=rejected,
    )
    return counts, ""
