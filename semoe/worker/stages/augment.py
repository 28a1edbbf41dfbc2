"""Stage `augment` of a run: rewrite and question-answer pairs for a shard's passages, a part at a time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from semoe.augment import Augmenter, AugmentSettings, load_augmenter
from semoe.datasets import AugmentedPassage
from semoe.retrieval import Passage
from semoe.runs import Plan
from semoe.telemetry.metrics import metrics
from semoe.worker.job import Job

PART = 32


def augment_shard(job: Job) -> tuple[dict[str, float], str]:
    """Writes `augmented/{shard}/{part}.json`."""
    prefix, passages, rejected = f"augmented/{job.shard:05}", job.folder.passages(job.shard), Counter[str]()
    augmenter: Augmenter | None = None
    job.begin(len(passages))
    for name, part in job.parts(prefix, passages, PART):
        augmenter = augmenter or augmenter_of(job.plan)
        job.folder.create(name, augmented(augmenter, part, rejected), list[AugmentedPassage])
    made = job.folder.read_all(f"{prefix}/", list[AugmentedPassage])
    counts: dict[str, float] = {
        "passages": len(made),
        "pairs": sum(len(one.qa) for one in made),
        "without_pairs": sum(not one.qa for one in made),
    }
    return counts | {f"rejected_{reason}": count for reason, count in rejected.items()}, ""


def augmenter_of(plan: Plan) -> Augmenter:
    """Loads the augmenter of a plan."""
    kind = "parse" if plan.augmented_by == "parse" else "model"
    max_pairs = plan.preset.augmentation.max_pairs
    return load_augmenter(AugmentSettings(augmenter=kind, model=plan.augmented_by, max_pairs=max_pairs))


def augmented(
    augmenter: Augmenter, passages: Sequence[AugmentedPassage], rejected: Counter[str] | None = None
) -> list[AugmentedPassage]:
    """Returns the passages with rewrite and pairs."""
    counts = Counter[str]()
    made = augmenter.augment([Passage(p.id, p.passage, p.title) for p in passages], counts)
    metrics.augmented(num_passages=len(made), num_pairs=sum(len(one.qa) for one in made), rejected=counts)
    if rejected is not None:
        rejected.update(counts)
    return [replace(p, rewrite=one.rewrite, qa=one.qa) for p, one in zip(passages, made, strict=True)]
