"""Stage `inference` of a run: answers a shard's questions with every method of the plan, a part at a time."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semoe.datasets import Task
from semoe.retrieval import Nothing, RetrievalConfig, Retriever, retrievers
from semoe.runs import Plan
from semoe.runs.job import Job
from semoe.stages.answer import Answerer
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.on_the_spot import OnTheSpot
from semoe.store.expert_store import ExpertStore
from semoe.store.space import Experts

PART, SWITCHING_PART = 32, 128
"""Answers in one object. More where rows wait for passages: then others take their places."""


def inference_shard(job: Job) -> tuple[dict[str, float], str]:
    """Writes `answers/{method}/{shard}/{part}.json`."""
    tasks, recipe = job.folder.retrieved(job.shard), job.recipe
    model = job.load_model()
    store = ExpertStore(job.folder.objects, recipe.space(model).name)
    experts, counts = Experts(store, recipe.layout(model)), dict[str, float]()
    keys = job.folder.keys() if any(method.endswith("_random") for method in job.plan.methods) else []
    spot = OnTheSpot.of(model, recipe, store, job.plan.switching, run=job.folder.run)
    retriever = _retriever(job.plan) if job.plan.switching else None
    job.begin(len(tasks) * len(job.plan.methods))
    for method in job.plan.methods:
        how = InferenceSettings.of(method, job.plan.switching)
        answer = Answerer(model, recipe, how, experts, keys, retriever, spot)
        counts[f"seconds_{method}"] = _answer(job, answer, tasks)
    return counts | {"questions": len(tasks)}, store.names.space


def _retriever(plan: Plan) -> Retriever:
    if plan.switching and plan.switching.method == "non-retrieval":
        return Nothing()
    config = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name)
    return retrievers[plan.retriever](config)


def _answer(job: Job, answer: Answerer, tasks: Sequence[Task]) -> float:
    """Answers what has no answer yet; returns the seconds it took."""
    started = time.monotonic()
    size = SWITCHING_PART if answer.how.switching else PART
    for name, part in job.parts(f"answers/{answer.how.folder_name}/{job.shard:05}", tasks, size):
        records = [
            record | {"set": task.set_number, "method": answer.how.folder_name}
            for task, record in zip(part, answer(part), strict=True)
        ]
        job.folder.create(name, records, list[dict[str, Any]])
    return time.monotonic() - started
