"""Answers questions with passages, experts, both or neither: for the verb `inference`, and for one shard of a run."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from semoe.datasets import AugmentedPassage, Task
from semoe.errors import unknown_name
from semoe.evaluation import Scores, extractors, score
from semoe.generation import Engine, Request, merge_rules
from semoe.models import Model
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.store.space import Experts
from semoe.telemetry.metrics import metrics
from semoe.worker.train import Recipe

METHODS = ("none", "icl", "prag", "combine")
CONTROLS = ("own", "random")


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceSettings:
    """How questions are answered; the defaults of merge, extraction and length are the preset's."""

    inference_method: str = "combine"
    experts: str = "own"
    """`own`, or `random`: as many experts of other questions' passages, the control of every claim."""
    merge: str | None = None
    extraction: str | None = None
    max_new_tokens: int | None = None
    batch_size: int = 32
    seed: int = 42

    def __post_init__(self) -> None:
        if self.inference_method not in METHODS:
            raise unknown_name("inference_method", self.inference_method, METHODS)
        if self.experts not in CONTROLS:
            raise unknown_name("experts", self.experts, CONTROLS)

    @classmethod
    def of(cls, name: str) -> "InferenceSettings":
        """Returns the settings of a folder's name, with all else as the preset has it."""
        method, _, experts = name.partition("_")
        return cls(inference_method=method, experts=experts or "own")

    @property
    def folder_name(self) -> str:
        """The method's folder; a control has its own."""
        return self.inference_method if self.experts == "own" else f"{self.inference_method}_{self.experts}"

    @property
    def shows_passages(self) -> bool:
        """Whether passages stand in the prompt."""
        return self.inference_method in ("icl", "combine")

    @property
    def loads_experts(self) -> bool:
        """Whether experts are loaded."""
        return self.inference_method in ("prag", "combine")


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model, its experts, and a way to answer."""

    model: Model
    recipe: Recipe
    how: InferenceSettings
    experts: Experts
    all_keys: Sequence[str] = field(repr=False)
    """Of every passage that was retrieved for any question; the control draws from them."""

    def __call__(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """Answers and scores; returns a record a task."""
        if self.how.loads_experts:
            self.experts.prefetch([key for task in tasks for key in self._keys(task)])
        requests = [self._request(task) for task in tasks]
        eos = self.model.tokenizer.eos_ids
        engine = Engine(self.model.decoder, self.experts.layout, eos_ids=eos, max_rows=self.how.batch_size)
        answers = engine.generate(requests)
        metrics.questions_answered.labels(self.how.folder_name).inc(len(tasks))
        texts = [self.model.tokenizer.decode(list(answer.tokens)) for answer in answers]
        return [
            self._record(task, text, len(request.experts))
            for task, text, request in zip(tasks, texts, requests, strict=True)
        ]

    def _request(self, task: Task) -> Request:
        answering = self.recipe.preset.answering
        template = load_template(answering.template)
        shown = task.question.passages if self.how.shows_passages else ()
        ids = prompt_ids(
            self.model.tokenizer,
            template,
            task.question.question,
            [_shown(passage, template.shows_title) for passage in shown],
            exemplars=self.recipe.exemplars,
            cot=bool(self.recipe.exemplars),
        )
        experts, weights = self._experts(task)
        length = self.how.max_new_tokens or answering.max_new_tokens
        return Request(prompt=tuple(ids), experts=experts, weights=weights, max_new_tokens=length)

    def _experts(self, task: Task) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
        """Returns a question's experts and merge weights; a passage that gave nothing to learn has none."""
        if not self.how.loads_experts or not task.question.passages:
            return (), ()
        rule = merge_rules[self.how.merge or self.recipe.preset.answering.merge]
        weights = rule([passage.score for passage in task.question.passages])
        found = [(self.experts.get(key), weight) for key, weight in zip(self._keys(task), weights, strict=False)]
        kept = [(expert, weight) for expert, weight in found if expert is not None]
        return tuple(expert for expert, _ in kept), tuple(weight for _, weight in kept)

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


def scores_of(record: dict[str, Any]) -> Scores:
    """Reads the scores of a record."""
    return Scores(*(float(record[name]) for name in ("em", "f1", "prec", "recall")))


def distinct_keys(tasks: Sequence[Task]) -> list[str]:
    """Returns the keys of all passages of all questions, each once, in order."""
    return sorted({key for task in tasks for key in task.keys})


def _shown(passage: AugmentedPassage, with_title: bool) -> str:
    """The published prompt shows the text alone; ours puts the title before a text that does not open with it."""
    if not with_title or not passage.title or passage.passage.startswith(passage.title):
        return passage.passage
    return f"{passage.title}\n{passage.passage}"
