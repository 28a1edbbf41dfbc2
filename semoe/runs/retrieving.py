"""Retrieves for all questions of a run, here and now: for a plan that says what the run will take."""

from semoe.runs.folder import RunFolder
from semoe.runs.manifest import make_manifest
from semoe.runs.plan import Manifest, Plan
from semoe.runs.shard import run_shard
from semoe.telemetry.progress import progress


def retrieve_and_cut(folder: RunFolder, plan: Plan) -> Manifest:
    """Finds the passages of every question that has none yet, then makes the manifest.

    Raises:
        UsageError: no such index.
        TransientError: Elasticsearch or the store does not answer; the same call goes on.
    """
    there = folder.manifest()
    if there is not None:
        return there
    with progress("retrieve", len(plan.question_shards), "shards") as advance:
        for shard in range(len(plan.question_shards)):
            run_shard(folder, "retrieve", shard)
            advance()
    return make_manifest(folder, plan)
