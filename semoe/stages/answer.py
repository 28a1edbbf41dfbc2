"""Answers questions with passages, experts, both or neither: for `inference`, `main` and a shard of a run.

In one go with the passages that were retrieved for the question, or with a method that retrieves while it writes.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from semoe.datasets.augmented import Task
from semoe.evaluation.extraction import extractors
from semoe.evaluation.overflow import Fit, told
from semoe.evaluation.scores import score
from semoe.experts.layout import ExpertLayout
from semoe.generation.engine import Engine
from semoe.generation.request import Answer
from semoe.generation.runners import prepared_for, rows_for
from semoe.generation.switching.loop import Switching
from semoe.generation.switching.methods import make_method
from semoe.generation.switching.requests import Prepared
from semoe.generation.switching.trace import Answered, Trace
from semoe.generation.switching.watching import Watcher
from semoe.language import Language
from semoe.language.readers import Readers, readers_for
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.retrieval.retriever import Retriever
from semoe.stages.answer_record import AnswerRecord, fit_of
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.on_the_spot import OnTheSpot
from semoe.stages.recipe import Recipe
from semoe.stages.requests import RequestMaker
from semoe.stages.retrieve import hits_of
from semoe.stages.room import require_room
from semoe.store.expert_store import ExpertStore
from semoe.store.opened import Experts
from semoe.store.state import StoreState
from semoe.telemetry.counting import metrics

HANDED_BYTES = 8 << 30
"""Of the experts of questions that are handed over at once: all of them lie in the host's memory."""
EXPERTS_OF_A_QUESTION = 4
"""About as many as a question has passages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answerer:
    """A model, the experts of its space, and a way to answer."""

    model: Model
    recipe: Recipe
    how: InferenceSettings
    experts: Experts | None
    """None for answers that load none."""
    state: StoreState | None = None
    """What those answers read that load experts; None: no state has it, as they train on their way."""
    retriever: Retriever | None = None
    """For a method that retrieves while it writes."""
    make_experts: OnTheSpot | None = None
    """For passages without an expert, where the settings say `train`."""
    exemplars: Sequence[Exemplar] | None = None
    """Worked examples of the prompt; None: those that the experts were trained with."""
    all_keys: Sequence[str] = field(default=(), repr=False)
    """Of every passage that was retrieved for any question; the control draws from them."""
    language: Language = field(default_factory=Language)
    readers: Readers | None = None
    """Processes that read drafts while others are written; None: each is read when it is judged."""
    watcher: Watcher | None = None
    """Hears of answers while they are written."""
    _engines: list[tuple[ExpertLayout | None, Engine]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    """The engine of the last questions, with its layout: it has experts on the device, and steps that were captured."""

    @classmethod
    def of(
        cls,
        model: Model,
        recipe: Recipe,
        how: InferenceSettings,
        store: ExpertStore | None,
        *,
        run: str,
        retriever: Retriever | None = None,
        exemplars: Sequence[Exemplar] | None = None,
        all_keys: Sequence[str] = (),
        watcher: Watcher | None = None,
        language: Language | None = None,
    ) -> "Answerer":
        """Takes the space of a recipe's experts for answers.

        Args:
            model: the base model.
            recipe: what made the experts.
            how: how to answer.
            store: the space, opened (`open_to_answer`); None where no experts are loaded.
            run: names the commits of experts that are made on the spot.
            retriever: see the field of this name, as for the others.
            exemplars: likewise.
            all_keys: likewise.
            watcher: likewise.
            language: likewise; None: one of its own.
        """
        # There before the first answer: a rate sees nothing of what a counter had when it was first seen.
        metrics.questions_answered.labels(how.label)
        if how.switching:
            make_method(how.switching, Language())  # an unknown one is told before the first question
        make_experts = None if store is None else OnTheSpot.of(model, recipe, store, how.switching, run=run)
        return cls(
            model=model,
            recipe=recipe,
            how=how,
            experts=None
            if store is None
            else Experts(store, recipe.layout(model), prepare=prepared_for(model.decoder)),
            state=store.ledger.state if store is not None and make_experts is None else None,
            retriever=retriever,
            make_experts=make_experts,
            exemplars=exemplars,
            all_keys=all_keys,
            readers=readers_for(model.decoder.device.type) if how.switching else None,
            watcher=watcher,
            language=language or Language(),
        )

    @property
    def space(self) -> str:
        """The space of the experts."""
        return self.recipe.space(self.model).name

    def answer(self, tasks: Sequence[Task]) -> list[AnswerRecord]:
        """Answers and scores; returns a record a task, in order.

        A question that does not fit into the model's context even without passages is not asked: its answer is
        empty, and its record says so (`fit`). One such question of many should not end the work on the others.

        Raises:
            UsageError: the worked examples alone do not fit into the model's context, or an expert does not fit.
            TransientError: store or retriever do not answer.
        """
        records = self._while_writing(tasks) if self.how.switching else self._in_one_go(tasks)
        metrics.questions_answered.labels(self.how.label).inc(len(tasks))
        return records

    def told(self, records: Sequence[AnswerRecord]) -> str | None:
        """Returns a line on what of these questions the model's context had no room for; None where all fitted."""
        fits = [(f"question {one.did} (test_id {one.test_id})", one.fit) for one in records]
        return told(fits, self.model.decoder.config.context)

    def write(
        self, questions: Sequence[str], on_finish: Callable[[int, Answered], None] = lambda index, answered: None
    ) -> list[Answered]:
        """Answers with the method that retrieves on its way; scores nothing.

        Args:
            questions: to be answered.
            on_finish: hears of each as it ends, with its position.
        """
        if self.how.switching is None or self.retriever is None:
            raise AssertionError("a method that retrieves needs a retriever")
        switching = Switching(
            engine=self._engine(),
            decoder=self.model.decoder,
            tokenizer=self.model.tokenizer,
            language=self.language,
            retriever=self.retriever,
            requests=self._requests(),
            settings=self.how.switching,
            readers=self.readers,
            watcher=self.watcher,
        )
        return switching.answer(questions, on_finish)

    @property
    def num_at_once(self) -> int:
        """Questions to hand over at once: on a GPU so many that others take the places of those that end."""
        num_rows = self._num_rows
        if num_rows == self.how.batch_size:
            return self.how.num_at_once
        question = EXPERTS_OF_A_QUESTION * self.recipe.layout(self.model).size * self.model.decoder.dtype.itemsize
        return max(self.how.num_at_once, min(4 * num_rows, HANDED_BYTES // question))

    @property
    def _num_rows(self) -> int:
        layout = self.recipe.layout(self.model) if self.how.loads_experts else None
        return rows_for(self.model.decoder, layout, self.how.batch_size)

    def _while_writing(self, tasks: Sequence[Task]) -> list[AnswerRecord]:
        found = self.write([task.question.question for task in tasks])
        return [
            self._record(task, answered.text, answered.num_experts, fit_of(answered), answered.trace)
            for task, answered in zip(tasks, found, strict=True)
        ]

    def _in_one_go(self, tasks: Sequence[Task]) -> list[AnswerRecord]:
        ready = self.prepare(tasks)
        asked = [number for number, one in enumerate(ready) if one.request]
        watcher = self.watcher
        on_write = (lambda place, draft: watcher.wrote(asked[place], (), draft)) if watcher else None
        answers = iter(self._engine().generate([one.request for one in ready if one.request], on_write=on_write))
        return [
            self._answered(task, one, next(answers) if one.request else None)
            for task, one in zip(tasks, ready, strict=True)
        ]

    def prepare(self, tasks: Sequence[Task]) -> list[Prepared]:
        """Returns what the engine is asked for answers in one go, one a task, in order.

        Raises:
            UsageError: the worked examples alone do not fit into the model's context, or an expert does not fit.
            TransientError: the store does not answer.
        """
        requests = self._requests()
        keys = [self._keys(task) for task in tasks]
        if self.experts is not None and self.how.loads_experts:
            self.experts.prefetch([key for own in keys for key in own])
        length = self.how.max_new_tokens or self.recipe.preset.answering.max_new_tokens
        return [
            requests.request_with(own, task.question.question, hits_of(task.question), (), length)
            for task, own in zip(tasks, keys, strict=True)
        ]

    def _answered(self, task: Task, prepared: Prepared, answer: Answer | None) -> AnswerRecord:
        dropped = prepared.dropped_passages
        if answer is None:
            return self._record(task, "", 0, Fit(dropped_passages=dropped, too_long=prepared.num_tokens))
        fit = Fit(dropped_passages=dropped, cut_tokens=prepared.cut_tokens if answer.finish == "length" else 0)
        return self._record(task, self.model.tokenizer.decode(list(answer.tokens)), len(prepared.experts), fit)

    def _engine(self) -> Engine:
        """Returns an engine without work; one that an error left at work is not used again."""
        layout = self.recipe.layout(self.model) if self.how.loads_experts else None
        if self._engines and self._engines[0][0] == layout and not self._engines[0][1].has_work:
            return self._engines[0][1]
        self._engines.clear()  # gives back its memory before more is asked for
        eos = self.model.tokenizer.eos_ids
        quantization = self.how.quantization or self.recipe.preset.answering.quantization
        engine = Engine(self.model.decoder, layout, eos_ids=eos, max_rows=self._num_rows, quantization=quantization)
        self._engines.append((layout, engine))
        return engine

    @property
    def _shown(self) -> Sequence[Exemplar]:
        """The worked examples of the prompt."""
        return self.recipe.exemplars if self.exemplars is None else self.exemplars

    def _requests(self) -> RequestMaker:
        exemplars = self._shown
        require_room(self.model, self.recipe.preset.answering.template, exemplars)
        return RequestMaker(
            model=self.model,
            recipe=self.recipe,
            experts=self.experts if self.how.loads_experts else None,
            shows_passages=self.how.shows_passages,
            merge=self.how.merge or self.recipe.preset.answering.merge,
            exemplars=exemplars,
            missing=self.how.switching.missing if self.how.switching else "skip",
            make_experts=self.make_experts,
        )

    def _keys(self, task: Task) -> list[str]:
        own = task.keys
        if self.how.experts == "own":
            return own
        # Twice as many as wanted: some may be the question's own, which a control must not load.
        drawn = random.Random(f"{self.how.seed} {task.did}").sample(
            range(len(self.all_keys)), min(2 * len(own), len(self.all_keys))
        )
        return [key for key in (self.all_keys[i] for i in drawn) if key not in own][: len(own)]

    def _record(self, task: Task, text: str, num_experts: int, fit: Fit, trace: Trace | None = None) -> AnswerRecord:
        name = self.how.extraction or self.recipe.preset.answering.extraction
        name = "published_cot" if name == "published" and self._shown else name
        question = task.question
        predicted = extractors[name](text, question.question)
        return AnswerRecord(
            did=task.did,
            test_id=question.test_id,
            question=question.question,
            accepted=question.answers,
            text=text,
            predicted=predicted,
            scores=score(predicted, question.answers),
            num_experts=num_experts,
            fit=fit,
            trace=trace,
            set_number=task.set_number,
            state=self.state if self.how.loads_experts else None,
        )


def distinct_keys(tasks: Sequence[Task]) -> list[str]:
    """Returns the keys of all passages of all questions, each once, in order."""
    return sorted({key for task in tasks for key in task.keys})
