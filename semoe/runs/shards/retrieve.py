"""A shard of stage `retrieve`: finds the passages of its questions, and writes them as one object."""

from dataclasses import replace
from pathlib import Path

from semoe.datasets.augmented import Task
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.runs.counts import RetrieveCounts
from semoe.runs.job import Job
from semoe.stages.retrieve import find_passages


def retrieve_shard(job: Job) -> tuple[RetrieveCounts, str]:
    """Writes `retrieved/{shard}.json`."""
    plan = job.plan
    tasks = job.folder.questions(job.shard)
    where = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name, reranker=plan.reranker)
    retriever = open_retriever(plan.retriever, where)
    job.begin(len(tasks))
    found = find_passages(retriever, [task.question for task in tasks], plan.topk, job.advance)
    answered = [replace(task, question=question) for task, question in zip(tasks, found, strict=True)]
    job.folder.write(f"retrieved/{job.shard:05}.json", answered, list[Task])
    num_retrieved = sum(len(question.passages) for question in found)
    return RetrieveCounts(questions=len(found), retrieved=num_retrieved), ""
