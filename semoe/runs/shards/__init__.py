"""What each stage does with one shard: a body of `semoe.stages`, and what a run keeps of it."""

from collections.abc import Callable

from semoe.registry import Registry
from semoe.runs.counts import Counts
from semoe.runs.job import Job
from semoe.runs.shards.augment import augment_shard
from semoe.runs.shards.encode import encode_shard
from semoe.runs.shards.inference import inference_shard
from semoe.runs.shards.retrieve import retrieve_shard

works: Registry[Callable[[Job], tuple[Counts, str]]] = Registry("stage")
"""Each returns what it counted, and the expert space it worked in."""
works.register("retrieve")(retrieve_shard)
works.register("augment")(augment_shard)
works.register("encode")(encode_shard)
works.register("inference")(inference_shard)

__all__ = ["works"]
