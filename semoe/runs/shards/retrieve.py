"""Stage `retrieve` of a run: finds the passages of a shard's questions, with the question as query."""

from dataclasses import replace
from pathlib import Path

from semoe.datasets import Task
from semoe.retrieval import RetrievalConfig, retrievers
from semoe.runs.job import Job
from semoe.stages.retrieve import with_passages
from semoe.telemetry.metrics import metrics

CHUNK = 64


def retrieve_shard(job: Job) -> tuple[dict[str, float], str]:
    """Writes `retrieved/{shard}.json`."""
    plan, questions, found = job.plan, job.folder.questions(job.shard), list[Task]()
    config = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name)
    retriever = retrievers[plan.retriever](config)
    job.begin(len(questions))
    for start in range(0, len(questions), CHUNK):
        chunk = questions[start : start + CHUNK]
        hits = retriever.search([task.question.question for task in chunk], plan.topk)
        found += [
            replace(task, question=with_passages(task.question, own)) for task, own in zip(chunk, hits, strict=True)
        ]
        metrics.retrievals.inc(len(chunk))
        metrics.passages_retrieved.inc(sum(map(len, hits)))
        job.advance(len(chunk))
    job.folder.write(f"retrieved/{job.shard:05}.json", found, list[Task])
    return {"questions": len(found), "retrieved": sum(len(task.question.passages) for task in found)}, ""
