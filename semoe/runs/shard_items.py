"""The stages of a run, in order, and how much each of their shards holds."""

from semoe.errors import UsageError, unknown_name
from semoe.runs.plan import CorpusPlan, Manifest, Plan, ShardSize

STAGES = ("retrieve", "augment", "encode", "inference")
"""After them comes the report, which is no shard's."""
ON_PASSAGES = ("augment", "encode")
"""Their shards hold passages, which are known after retrieval; the others' hold questions.

Where a corpus is trained, retrieval is to read it once: how many passages it has, and where its shards begin.
"""


def shard_items(stage: str, plan: Plan, manifest: Manifest | None) -> list[int]:
    """Returns how many items each shard of a stage has: passages, questions, or answers.

    Raises:
        UsageError: no such stage, or its shards are not known before retrieval is done.
    """
    if stage not in STAGES:
        raise unknown_name("stage", stage, STAGES)
    if plan.corpus and stage == "retrieve":
        return [size.num_items for size in reckoned(plan.corpus)]
    if plan.corpus and stage == "augment" and not plan.corpus.augment_apart:
        return []
    if stage not in ON_PASSAGES:
        each = len(plan.methods) if stage == "inference" else 1
        return [size.num_items * each for size in plan.question_shards]
    if manifest is None:
        raise UsageError(
            f"Run {plan.run} has no manifest yet: passages are known after retrieval. Make the plan again.",
            kind="no-manifest",
        )
    return [size.num_items for size in manifest.passage_shards]


def reckoned(corpus: CorpusPlan) -> tuple[ShardSize, ...]:
    """Returns how many passages the shards of a corpus have, as far as is known before it is read."""
    return tuple(ShardSize(num_items=max(1, size)) for size in corpus.num_passages)
