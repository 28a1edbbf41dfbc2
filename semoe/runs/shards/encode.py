"""A shard of stage `encode`: trains the experts that the store lacks, and commits as it goes."""

import logging

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.runs.corpus import settled_parts
from semoe.runs.counts import EncodeCounts
from semoe.runs.job import Job
from semoe.stages.encode import Encoding
from semoe.stages.learnt import RUNS_CURE
from semoe.store.opened import make_space

log = logging.getLogger(__name__)


def encode_shard(job: Job) -> tuple[EncodeCounts, str]:
    """Publishes experts to the store."""
    prefix = settled_parts(job.folder, job.shard) if job.plan.corpus else f"augmented/{job.shard:05}/"
    augmented = job.folder.read_all(prefix, list[AugmentedPassage])
    passages = {passage_key(one.title, one.passage): one for one in augmented}
    model = job.load_model()
    recipe = job.recipe
    store = make_space(job.folder.objects, recipe.space(model), recipe.layout(model))
    # In two shards of a corpus the same passage may have been given other pairs: whichever was first is as good.
    cure = None if job.plan.corpus else RUNS_CURE
    work = Encoding.of(model, recipe, passages, store, cure=cure)
    job.begin(len(passages), len(passages) - len(work.missing))
    done = work.train(
        run=job.folder.run,
        shard=job.shard,
        commit_seconds=job.commit_seconds,
        tokens_per_step=job.plan.tokens_per_step,
        stop=job.stop,
        advance=job.advance,
    )
    log.info("%d experts trained, %d published", done.num_trained, done.num_published)
    counts = EncodeCounts(
        passages=done.num_passages,
        found=done.num_found,
        trained=done.num_trained,
        published=done.num_published,
        without_pairs=done.num_without_pairs,
        tokens=done.num_tokens,
        bytes=done.num_bytes,
        training_seconds=done.seconds,
        cut_sequences=done.too_long.num_cut,
        left_out_sequences=done.too_long.num_left_out,
        sequences_beyond_context=done.too_long.num_beyond_context,
    )
    return counts, store.names.space
