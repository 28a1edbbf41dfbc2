"""A person's questions, one after the other: answered as `inference` answers them, by the same `Answerer`.

Called by `semoe ask` and from Python. What is slow is done once: the model is loaded, the store opened, and an engine
kept for each way to answer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from semoe.datasets.augmented import AugmentedQuestion, Task
from semoe.errors import UsageError, unknown_name
from semoe.generation.request import Answer
from semoe.generation.switching.trace import Probability, Switch
from semoe.generation.switching.watching import Watcher
from semoe.generation.switching.words import Transcript, Word
from semoe.language import Language
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.retrieval.retriever import Nothing, Retriever
from semoe.stages.answer import Answerer
from semoe.stages.answer_record import AnswerRecord
from semoe.stages.inference_settings import METHODS, InferenceSettings
from semoe.stages.recipe import Recipe
from semoe.stages.retrieve import find_passages
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import open_to_answer
from semoe.store.objects import Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An answered question."""

    task: Task
    """With the passages that were found for it before; none for a method that retrieves while it writes."""
    record: AnswerRecord
    """As `predict.json` has it; with no accepted answers, its scores say nothing."""
    words: tuple[Word, ...]
    """Of the answer's text, with the model's certainty."""
    told: str | None
    """What the model's context had no room for; None: all fitted."""
    seconds: float
    first_word_seconds: float | None
    """From the question to the first token; None: nothing was written."""


@dataclass(kw_only=True, slots=True)
class Asker:
    """A model, its experts and an index, ready for questions.

    Args:
        model: the base model.
        recipe: of the experts.
        objects: the store that has them; None: for answers that load none.
        retriever: finds passages; None: for answers that want none.
        topk: passages of a question, for answers in one go.
        exemplars: worked examples of the prompt; None: those that the experts were trained with.

    Example:
        >>> import semoe
        >>> model = semoe.load_model("smollm2", device="cpu")
        >>> asker = semoe.Asker(model=model, recipe=semoe.Recipe.of("smollm2"))
        >>> asked = asker.answer("What is the capital of France?", semoe.InferenceSettings(inference_method="none"))
        >>> "Paris" in asked.record.text, 0 < asked.words[0].p <= 1
        (True, True)
    """

    model: Model
    recipe: Recipe
    objects: Objects | None = None
    retriever: Retriever | None = None
    topk: int = 3
    exemplars: Sequence[Exemplar] | None = None
    _answerers: dict[InferenceSettings, tuple[Answerer, "_Hearing"]] = field(default_factory=dict, init=False)
    _stores: dict[str, ExpertStore] = field(default_factory=dict, init=False)
    _language: Language = field(default_factory=Language, init=False)

    def answer(
        self,
        question: str,
        how: InferenceSettings,
        watcher: Watcher | None = None,
        on_found: Callable[[Task], None] = lambda task: None,
    ) -> Asked:
        """Answers a question.

        Args:
            question: any text.
            how: which way; the control, experts of other questions, has nothing to draw from here.
            watcher: hears of the answer while it is written.
            on_found: hears, before it is written, of the passages that were found with the question.

        Raises:
            UsageError: there is nothing to answer with: an empty question, or a space without experts.
            TransientError: store or retriever do not answer.
        """
        started = time.monotonic()
        require_question(question)
        answerer, hearing = self.ready(how)
        task = self._task(question, how)
        on_found(task)
        hearing.begin(watcher)
        (record,) = answerer.answer([task])
        return Asked(
            task=task,
            record=record,
            words=tuple(hearing.transcript.words()),
            told=answerer.told([record]),
            seconds=time.monotonic() - started,
            first_word_seconds=hearing.first - started if hearing.first else None,
        )

    def ready(self, how: InferenceSettings) -> "tuple[Answerer, _Hearing]":
        """Gets ready for a way to answer, so that its first question waits for nothing but its answer.

        Raises:
            UsageError: experts are to be loaded, and there are none.
        """
        if how not in self._answerers:
            if how.experts != "own":
                raise unknown_name("way to ask", how.label, METHODS)
            hearing = _Hearing(self.model)
            answerer = Answerer.of(
                self.model,
                self.recipe,
                how,
                self._store(how.snapshot) if how.loads_experts else None,
                run="ask",
                retriever=self.retriever or Nothing(),
                exemplars=self.exemplars,
                watcher=hearing,
                language=self._language,
            )
            if answerer.experts is not None and answerer.make_experts is None:
                answerer.experts.require_some()
            self._answerers[how] = answerer, hearing
        return self._answerers[how]

    def has_expert(self, key: str) -> bool:
        """Whether a passage's expert is in the store, as far as that was opened."""
        return any(key in store for store in self._stores.values())

    def _store(self, snapshot: str) -> ExpertStore:
        if self.objects is None:
            raise UsageError("Answers with experts need a store. Give one.", kind="missing-store")
        if snapshot not in self._stores:
            self._stores[snapshot] = open_to_answer(self.objects, self.recipe.space(self.model).name, snapshot)
        return self._stores[snapshot]

    def _task(self, question: str, how: InferenceSettings) -> Task:
        plain = AugmentedQuestion(qid="0", test_id=0, question=question, answers=())
        if how.switching or how.inference_method == "none":
            return Task(did=0, question=plain)
        (found,) = find_passages(self.retriever or Nothing(), [plain], self.topk)
        return Task(did=0, question=found)


def require_question(question: str) -> None:
    """Makes sure that a question can be asked.

    Raises:
        UsageError: it is blank, or holds what is no text.
    """
    if not question.strip():
        raise UsageError("The question is empty. Write one, in quotes.", kind="no-question")
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise UsageError("The question is not UTF-8. Write it in a terminal that is.", kind="no-question") from error


class _Hearing:
    """Keeps what is written of the one question in hand, and hands it on."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.begin(None)

    def begin(self, watcher: Watcher | None) -> None:
        """Forgets the last question."""
        self.transcript = Transcript(self._model.tokenizer.decode)
        self.first: float | None = None
        self._watcher = watcher

    def wrote(self, index: int, before: Sequence[int], draft: Answer) -> None:
        """Keeps the draft."""
        if draft.tokens:
            self.first = self.first or time.monotonic()
        self.transcript.take(before, draft)
        if self._watcher:
            self._watcher.wrote(index, before, draft)

    def asks(self, index: int, sentence: str, probabilities: Sequence[Probability], query: str) -> None:
        """Hands it on."""
        if self._watcher:
            self._watcher.asks(index, sentence, probabilities, query)

    def switched(self, index: int, switch: Switch, went: Sequence[str]) -> None:
        """Hands it on."""
        if self._watcher:
            self._watcher.switched(index, switch, went)
