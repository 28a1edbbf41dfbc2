"""Answers all questions in one way: scores of each, and what an answer takes."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.effect.cells import Cell
from semoe.datasets.augmented import AugmentedQuestion, Task
from semoe.models.config import ModelConfig
from semoe.models.model import Model
from semoe.published.settings import StageSettings
from semoe.retrieval.retriever import Retriever
from semoe.stages.answer import Answerer, distinct_keys
from semoe.stages.answer_record import AnswerRecord
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import open_objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What all ways to answer have in common."""

    model: Model
    settings: StageSettings
    questions: Sequence[AugmentedQuestion]
    """With all their passages, best first."""
    retriever: Retriever
    passes: int
    """Times that answers are written again for their seconds; 0: the first writing counts."""


def measured(cell: Cell, work: Work) -> dict[str, Any]:
    """Returns scores in thousandths, one a question, and seconds, tokens and bytes a question.

    `memory` is the cache of prompt and answer, and the numbers of the question's experts.
    """
    tasks = [
        Task(did=did, question=replace(one, passages=one.passages[: cell.topk]))
        for did, one in enumerate(work.questions)
    ]
    answerer = _answerer(cell, work, tasks)
    records, seconds = _answers(answerer, tasks)
    if work.passes and cell.is_usual and cell.experts == "own":
        seconds = statistics.median(_answers(answerer, tasks)[1] for _ in range(work.passes))
    found: dict[str, Any] = {
        "f1": [round(1000 * record.scores.f1) for record in records],
        "em": [round(1000 * record.scores.em) for record in records],
        "seconds": seconds / len(tasks),
        "experts": _mean([record.num_experts for record in records]),
        "dropped_passages": sum(record.fit.dropped_passages for record in records),
    }
    if cell.switching:
        return found | {"retrievals": _mean([one.trace.counters.retrieve for one in records if one.trace])}
    tokens = _mean([one.num_tokens for one in answerer.prepare(tasks)])
    length = work.settings.preset.answering.max_new_tokens
    expert = work.settings.recipe.layout(work.model).size * work.model.decoder.dtype.itemsize
    cache = cache_bytes(work.model.decoder.config, work.model.decoder.dtype.itemsize)
    return found | {"tokens": tokens, "memory": (tokens + length) * cache + found["experts"] * expert}


def cache_bytes(config: ModelConfig, itemsize: int) -> int:
    """Returns the bytes of a token's keys and values in all layers."""
    return 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * itemsize


def _answers(answerer: Answerer, tasks: Sequence[Task]) -> tuple[list[AnswerRecord], float]:
    answerer.language.forget()
    began = time.perf_counter()
    size = answerer.num_at_once
    records = [one for start in range(0, len(tasks), size) for one in answerer.answer(tasks[start : start + size])]
    return records, time.perf_counter() - began


def _answerer(cell: Cell, work: Work, tasks: Sequence[Task]) -> Answerer:
    recipe = work.settings.recipe
    answering = replace(recipe.preset.answering, template=cell.template)
    recipe = replace(recipe, preset=replace(recipe.preset, answering=answering))
    how = cell.settings()
    store = ExpertStore(open_objects(work.settings.store_url), recipe.space(work.model).name)
    return Answerer.of(
        work.model,
        recipe,
        how,
        store if how.loads_experts else None,
        run="benchmark",
        retriever=work.retriever,
        all_keys=distinct_keys(tasks),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
