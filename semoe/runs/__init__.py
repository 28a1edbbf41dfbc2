"""Runs: a plan that is cut into shards, and what workers leave in the store as they do them."""

from semoe.runs.folder import RunFolder
from semoe.runs.plan import Manifest, Plan, QuestionSet, ShardSize
from semoe.runs.records import Failure, Heartbeat, ShardReport
from semoe.runs.shard_items import ON_PASSAGES, STAGES, shard_items

__all__ = [
    "ON_PASSAGES",
    "STAGES",
    "Failure",
    "Heartbeat",
    "Manifest",
    "Plan",
    "QuestionSet",
    "RunFolder",
    "ShardReport",
    "ShardSize",
    "shard_items",
]
