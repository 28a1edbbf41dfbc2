"""Stage `encode` of a run: trains the experts of a shard that the store lacks, and commits as it goes."""

import logging
import time

from semoe.datasets import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.runs.job import Job
from semoe.stages.learnt import RUNS_CURE, require_same_pairs
from semoe.stages.train import train
from semoe.store.producer import Producer
from semoe.store.space import make_space

log = logging.getLogger(__name__)


def encode_shard(job: Job) -> tuple[dict[str, float], str]:
    """Publishes experts to the store."""
    augmented = job.folder.read_all(f"augmented/{job.shard:05}/", list[AugmentedPassage])
    passages = {passage_key(one.title, one.passage): one for one in augmented}
    model, recipe = job.load_model(), job.recipe
    layout = recipe.layout(model)
    store = make_space(job.folder.objects, recipe.space(model), layout)
    require_same_pairs(store, recipe, passages, cure=RUNS_CURE)
    missing = {key: one for key, one in passages.items() if key not in store and one.qa}
    job.begin(len(passages), len(passages) - len(missing))
    producer = Producer(store, layout, run=job.folder.run, shard=job.shard, commit_seconds=job.commit_seconds)
    started = time.monotonic()
    with producer:
        trained, tokens = train(
            model, recipe, missing, producer,
            tokens_per_step=job.plan.tokens_per_step, stop=job.stop, advance=job.advance,
        )  # fmt: skip
    # Of two who train a passage at the same time the first is kept: it must have learnt the same.
    require_same_pairs(store, recipe, missing, cure=RUNS_CURE)
    log.info("%d experts trained, %d published", trained, producer.num_published)
    counts = {
        "passages": len(passages),
        "found": sum(key not in missing and bool(one.qa) for key, one in passages.items()),
        "trained": trained,
        "published": producer.num_published,
        "without_pairs": sum(not one.qa for one in passages.values()),
        "tokens": tokens,
        "bytes": producer.num_bytes,
        "training_seconds": time.monotonic() - started,
    }
    return counts, store.names.space
