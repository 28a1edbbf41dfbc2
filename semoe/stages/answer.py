"""Answers questions with passages, experts, both or neither: for the verb `inference`, and for one shard of a run.

In one go with the passages that were retrieved for the question, or with a method that retrieves while it writes.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from semoe.datasets import Task
from semoe.errors import UsageError
from semoe.evaluation import Scores, extractors, score
from semoe.generation import Engine
from semoe.generation.switching import Answered, Switching
from semoe.language import Language
from semoe.models import Model
from semoe.retrieval import Retriever
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.recipe import Recipe
from semoe.stages.requests import Acting, MakeExperts
from semoe.stages.retrieve import hits_of
from semoe.store.space import Experts
from semoe.telemetry.metrics import metrics


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model, its experts, and a way to answer."""

    model: Model
    recipe: Recipe
    how: InferenceSettings
    experts: Experts
    all_keys: Sequence[str] = field(repr=False)
    """Of every passage that was retrieved for any question; the control draws from them."""
    retriever: Retriever | None = None
    """For a method that retrieves while it writes."""
    make_experts: MakeExperts | None = None
    """For passages without an expert, where the settings say `train`."""
    language: Language = field(default_factory=Language)

    def __call__(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """Answers and scores; returns a record a task."""
        eos = self.model.tokenizer.eos_ids
        engine = Engine(self.model.decoder, self.experts.layout, eos_ids=eos, max_rows=self.how.batch_size)
        records = self._while_writing(engine, tasks) if self.how.switching else self._in_one_go(engine, tasks)
        metrics.questions_answered.labels(self.how.label).inc(len(tasks))
        return records

    def _in_one_go(self, engine: Engine, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        acting, keys = self._acting(), [self._keys(task) for task in tasks]
        if self.how.loads_experts:
            self.experts.prefetch([key for own in keys for key in own])
        length = self.how.max_new_tokens or self.recipe.preset.answering.max_new_tokens
        ready = [
            acting.request_with(own, task.question.question, hits_of(task.question), (), length)
            for task, own in zip(tasks, keys, strict=True)
        ]
        if any(one.request is None for one in ready):
            raise UsageError("A question alone is longer than the model's context.", kind="context")
        answers = engine.generate([one.request for one in ready if one.request])
        texts = [self.model.tokenizer.decode(list(answer.tokens)) for answer in answers]
        return [self._record(task, text, len(one.experts)) for task, text, one in zip(tasks, texts, ready, strict=True)]

    def _while_writing(self, engine: Engine, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        if self.how.switching is None or self.retriever is None:
            raise AssertionError("a method that retrieves needs a retriever")
        switching = Switching(
            engine=engine,
            decoder=self.model.decoder,
            tokenizer=self.model.tokenizer,
            language=self.language,
            retriever=self.retriever,
            act=self._acting(),
            settings=self.how.switching,
        )
        found = switching.answer([task.question.question for task in tasks])
        return [
            self._record(task, answered.text, answered.num_experts) | trace_of(answered)
            for task, answered in zip(tasks, found, strict=True)
        ]

    def _acting(self) -> Acting:
        return Acting(
            model=self.model,
            recipe=self.recipe,
            experts=self.experts,
            shows_passages=self.how.shows_passages,
            loads_experts=self.how.loads_experts,
            merge=self.how.merge or self.recipe.preset.answering.merge,
            missing=self.how.switching.missing if self.how.switching else "skip",
            make_experts=self.make_experts,
        )

    def _keys(self, task: Task) -> list[str]:
        own = task.keys
        if self.how.experts == "own":
            return own
        drawn = random.Random(f"{self.how.seed} {task.did}").sample(
            range(len(self.all_keys)), min(2 * len(own), len(self.all_keys))
        )
        return [key for key in (self.all_keys[i] for i in drawn) if key not in own][: len(own)]

    def _record(self, task: Task, text: str, num_experts: int) -> dict[str, Any]:
        name = self.how.extraction or self.recipe.preset.answering.extraction
        name = "published_cot" if name == "published" and self.recipe.exemplars else name
        predicted = extractors[name](text, task.question.question)
        scores = score(predicted, task.question.answers)
        return {
            "test_id": task.question.test_id,
            "question": task.question.question,
            "answer": list(task.question.answers),
            "text": text,
            "eval_predict": predicted,
            "em": str(scores.em),
            "f1": str(scores.f1),
            "prec": str(scores.precision),
            "recall": str(scores.recall),
            "num_experts": num_experts,
            "did": task.did,
        }


def trace_of(answered: Answered) -> dict[str, Any]:
    """Returns what a record says of how its answer was written."""
    return {
        "switches": [asdict(switch) for switch in answered.switches],
        "counters": asdict(answered.counters),
        "stopped": answered.stopped,
    }


def scores_of(record: dict[str, Any]) -> Scores:
    """Reads the scores of a record."""
    return Scores(*(float(record[name]) for name in ("em", "f1", "prec", "recall")))


def distinct_keys(tasks: Sequence[Task]) -> list[str]:
    """Returns the keys of all passages of all questions, each once, in order."""
    return sorted({key for task in tasks for key in task.keys})
