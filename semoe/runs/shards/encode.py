"""A shard of stage `encode`: trains the experts that the store lacks, and commits as it goes."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TypedDict

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.models.dtypes import torch_device
from semoe.runs.counts import EncodeCounts
from semoe.runs.job import Job
from semoe.runs.plan import CorpusPlan
from semoe.runs.shards.corpus_stream import CorpusStream
from semoe.stages.ahead import Ahead
from semoe.stages.encode import Encoding, Published, train_and_publish
from semoe.stages.learnt import RUNS_CURE
from semoe.stages.train import SetsAside, Stop
from semoe.store.expert_store import ExpertStore
from semoe.store.opened import describe_space, make_space

AHEAD = 256
"""Passages of a corpus that wait for the trainer; it takes some more itself."""
log = logging.getLogger(__name__)


def encode_shard(job: Job) -> tuple[EncodeCounts, str]:
    """Publishes experts to the store."""
    counts = _of_a_corpus(job, job.plan.corpus) if job.plan.corpus else _of_questions(job)
    log.info("%d experts trained, %d published", counts.trained, counts.published)
    return counts, job.plan.space


def _of_questions(job: Job) -> EncodeCounts:
    model = job.load_model()
    store = make_space(job.folder.objects, job.recipe.space(model), job.recipe.layout(model))
    augmented = job.folder.read_all(f"augmented/{job.shard:05}/", list[AugmentedPassage])
    aside = {one.key for one in job.folder.aside()}
    keyed = ((passage_key(one.title, one.passage), one) for one in augmented)
    passages = {key: one for key, one in keyed if key not in aside}
    work = Encoding.of(model, job.recipe, passages, store, cure=RUNS_CURE)
    job.begin(len(passages), len(passages) - len(work.missing))
    done = work.train(**_how(job))
    store.barren.add(done.without_pairs, run=job.folder.run, shard=job.shard)
    counts = EncodeCounts(passages=done.num_passages, found=done.num_found, without_pairs=len(done.without_pairs))
    return _with(counts, done.published)


def _of_a_corpus(job: Job, corpus: CorpusPlan) -> EncodeCounts:
    """Passages come as a stream: no shard need fit into memory."""
    store = ExpertStore(job.folder.objects, job.plan.space)
    stream = CorpusStream(job, corpus, store, device=torch_device(job.device).type)
    job.begin(stream.num_passages)
    try:
        # Processes that augment take seconds to begin: the model is loaded meanwhile.
        with closing(Ahead(stream.passages(), AHEAD)) as passages:
            model = job.load_model()
            describe_space(job.folder.objects, job.recipe.space(model), job.recipe.layout(model))
            done = train_and_publish(model, job.recipe, passages, store, **_how(job))
        stream.without_pairs.update(done.without_sequences)
    finally:
        store.barren.add(stream.without_pairs, run=job.folder.run, shard=job.shard)
    if not job.stop():
        job.folder.write_keys(list(stream.keys), job.shard)
    return _with(stream.counts(), done)


class _How(TypedDict):
    """What training is told of its shard, whatever its passages are."""

    run: str
    shard: int
    commit_seconds: float
    tokens_per_step: int | None
    stop: Stop
    advance: Callable[[float], None]
    set_aside: SetsAside


def _how(job: Job) -> _How:
    return {
        "run": job.folder.run,
        "shard": job.shard,
        "commit_seconds": job.commit_seconds,
        "tokens_per_step": job.plan.tokens_per_step,
        "stop": job.stop,
        "advance": job.advance,
        "set_aside": lambda keyed, error: job.set_aside(keyed[1], f"{type(error).__name__}: {error}"),
    }


def _with(counts: EncodeCounts, done: Published) -> EncodeCounts:
    """Returns counts with what training came to."""
    trained = done.trained
    return replace(
        counts,
        trained=trained.num_experts,
        published=done.num_published,
        tokens=trained.num_tokens,
        losses=trained.losses,
        bytes=done.num_bytes,
        training_seconds=done.seconds,
        waiting_seconds=trained.waiting_seconds,
        cut_sequences=trained.too_long.num_cut,
        left_out_sequences=trained.too_long.num_left_out,
        sequences_beyond_context=trained.too_long.num_beyond_context,
    )
