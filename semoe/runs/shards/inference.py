"""A shard of stage `inference`: answers its questions with every method of the plan, a part at a time."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from semoe.datasets.augmented import Task
from semoe.prompts.exemplars import load_exemplars
from semoe.retrieval.retriever import RetrievalConfig
from semoe.runs.counts import InferenceCounts
from semoe.runs.job import Job
from semoe.stages.answer import Answerer
from semoe.stages.answer_record import AnswerRecord
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.retrieve import switching_retriever
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import open_at, open_kept, seen_by
from semoe.store.state import KeptState

log = logging.getLogger(__name__)


def inference_shard(job: Job) -> tuple[InferenceCounts, str]:
    """Writes `answers/{method}/{shard}/{part}.json`."""
    tasks = job.folder.retrieved(job.shard)
    answerer = _answerer(job)
    job.begin(len(tasks) * len(job.plan.methods))
    seconds: dict[str, float] = {}
    for method in job.plan.methods:
        how = InferenceSettings.of(method, job.plan.switching)
        seconds[method] = _answer(job, replace(answerer, how=how), tasks)
    return InferenceCounts(questions=len(tasks), seconds=seconds), answerer.space


def _answerer(job: Job) -> Answerer:
    plan = job.plan
    where = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name, reranker=plan.reranker)
    ways = [InferenceSettings.of(method, plan.switching) for method in plan.methods]
    shown = None if plan.fewshot is None else load_exemplars(plan.sets[0].dataset)[: plan.fewshot]
    return Answerer.of(
        job.load_model(),
        job.recipe,
        ways[0],
        _opened(job) if any(how.loads_experts for how in ways) else None,
        run=job.folder.run,
        retriever=switching_retriever(plan.retriever, where, plan.switching),
        exemplars=shown,
        all_keys=job.folder.keys() if any(method.endswith("_random") for method in plan.methods) else (),
    )


def _opened(job: Job) -> ExpertStore:
    """Opens the experts in one state for all workers of the run: the plan's, or as the first of them finds the space.

    The run keeps that state itself: pods that answer need to write nowhere else. With experts that are trained on the
    way each worker sees those that there are.
    """
    plan = job.plan
    objects = job.folder.objects
    if plan.switching and plan.switching.missing == "train":
        return ExpertStore(objects, plan.space)
    if plan.snapshot:
        return open_at(objects, plan.space, plan.snapshot)
    if first := job.folder.find("state.json", KeptState):
        return open_kept(objects, first)
    store = ExpertStore(objects, plan.space)
    mine = seen_by(store)
    if mine.state.num_experts and not job.folder.create("state.json", mine, KeptState):
        return _opened(job)  # another was first meanwhile
    return store


def _answer(job: Job, answerer: Answerer, tasks: Sequence[Task]) -> float:
    """Answers what has no answer yet; returns the seconds it took."""
    started = time.monotonic()
    method = answerer.how.folder_name
    made: list[AnswerRecord] = []
    # Parts have the same questions on every device: another worker goes on with what one has begun.
    size = answerer.how.num_at_once
    parts = job.parts(f"answers/{method}/{job.shard:05}", tasks, size)
    num_parts = max(1, answerer.num_at_once // size)
    while some := list(islice(parts, num_parts)):
        answers = iter(answerer.answer([task for _, part in some for task in part]))
        for name, part in some:
            records = [replace(record, method=method) for record in islice(answers, len(part))]
            job.folder.create(name, [record.to_json() for record in records], list[dict[str, Any]])
            made += records
    if said := answerer.told(made):
        log.warning("%s: %s", method, said)
    return time.monotonic() - started
