"""Runs: a plan that is cut into shards, and what workers leave in the store as they do them."""

from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, Plan, QuestionSet, ShardSize
from semoe.runs.records import Heartbeat, ShardReport
from semoe.runs.stages import STAGES, shard_items

__all__ = [
    "STAGES",
    "Heartbeat",
    "Manifest",
    "Plan",
    "QuestionSet",
    "RunFolder",
    "ShardReport",
    "ShardSize",
    "shard_items",
]
