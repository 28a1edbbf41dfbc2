"""A shard of stage `retrieve`: finds the passages of its questions; where a corpus is trained, reads a range of it."""

from dataclasses import replace
from pathlib import Path

from semoe.datasets.augmented import Task
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.runs.corpus import read_range
from semoe.runs.counts import RetrieveCounts
from semoe.runs.job import Job
from semoe.runs.plan import CorpusPlan
from semoe.runs.shard_items import reckoned
from semoe.stages.retrieve import find_passages


def retrieve_shard(job: Job) -> tuple[RetrieveCounts, str]:
    """Writes `retrieved/{shard}.json`, of a corpus `ranges/{shard}.json`."""
    plan = job.plan
    if plan.corpus:
        return _read(job, plan.corpus), ""
    tasks = job.folder.questions(job.shard)
    where = RetrievalConfig(index_dir=Path(plan.index_dir), index_name=plan.index_name, reranker=plan.reranker)
    retriever = open_retriever(plan.retriever, where)
    job.begin(len(tasks))
    found = find_passages(retriever, [task.question for task in tasks], plan.topk, job.advance)
    answered = [replace(task, question=question) for task, question in zip(tasks, found, strict=True)]
    job.folder.write(f"retrieved/{job.shard:05}.json", answered, list[Task])
    num_retrieved = sum(len(question.passages) for question in found)
    return RetrieveCounts(questions=len(found), retrieved=num_retrieved), ""


def _read(job: Job, corpus: CorpusPlan) -> RetrieveCounts:
    job.begin(reckoned(corpus)[job.shard].num_items)
    read_range(job.folder, corpus, job.shard, advance=job.advance)
    return RetrieveCounts()  # what it counted may be wrong yet: the manifest will say
