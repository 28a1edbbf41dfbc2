"""The stages of a run, in order, and how many shards each has."""

from semoe.errors import UsageError, unknown_name
from semoe.runs.plan import Manifest, Plan

STAGES = ("retrieve", "augment", "encode", "inference")
"""After them comes the report, which is no shard's."""
ON_PASSAGES = ("augment", "encode")


def num_shards(stage: str, plan: Plan, manifest: Manifest | None) -> int:
    """Returns the number of shards of a stage.

    Raises:
        UsageError: no such stage, or its shards are not known before retrieval is done.
    """
    if stage not in STAGES:
        raise unknown_name("stage", stage, STAGES)
    if stage not in ON_PASSAGES:
        return len(plan.question_shards)
    if manifest is None:
        raise UsageError(
            f"Run {plan.run} has no manifest yet: passages are known after retrieval. Make the plan again.",
            kind="no-manifest",
        )
    return len(manifest.passage_shards)
