"""The stages of a run, in order, and how much each of their shards holds."""

from semoe.errors import UsageError, unknown_name
from semoe.runs.plan import Manifest, Plan

STAGES = ("retrieve", "augment", "encode", "inference")
"""After them comes the report, which is no shard's."""
ON_PASSAGES = ("augment", "encode")
"""Their shards hold passages, which are known after retrieval; the others' hold questions."""


def shard_items(stage: str, plan: Plan, manifest: Manifest | None) -> list[int]:
    """Returns how many items each shard of a stage has: passages, questions, or answers.

    Raises:
        UsageError: no such stage, or its shards are not known before retrieval is done.
    """
    if stage not in STAGES:
        raise unknown_name("stage", stage, STAGES)
    if stage not in ON_PASSAGES:
        each = len(plan.methods) if stage == "inference" else 1
        return [size.num_items * each for size in plan.question_shards]
    if manifest is None:
        raise UsageError(
            f"Run {plan.run} has no manifest yet: passages are known after retrieval. Make the plan again.",
            kind="no-manifest",
        )
    return [size.num_items for size in manifest.passage_shards]
