"""What each stage does with one shard."""

from collections.abc import Callable

from semoe.registry import Registry
from semoe.worker.job import Job
from semoe.worker.stages.augment import augment_shard
from semoe.worker.stages.encode import encode_shard
from semoe.worker.stages.inference import inference_shard
from semoe.worker.stages.retrieve import retrieve_shard

Counts = dict[str, float]
works: Registry[Callable[[Job], tuple[Counts, str]]] = Registry("stage")
"""Each returns what it counted, and the expert space it worked in."""
works.register("retrieve")(retrieve_shard)
works.register("augment")(augment_shard)
works.register("encode")(encode_shard)
works.register("inference")(inference_shard)

__all__ = ["works"]
