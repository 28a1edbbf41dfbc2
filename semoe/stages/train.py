"""Stage `encode`, its training: the experts that a space lacks, for the verb and for one shard of a run."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from semoe.datasets.augmented import AugmentedPassage
from semoe.experts.base_weight import base_weight
from semoe.experts.flops import training_flops
from semoe.experts.roads import road_for
from semoe.experts.sequences import MAX_TOKENS, TooLong, bounded
from semoe.experts.training import LOOKAHEAD, TrainedExpert, train_experts
from semoe.models.model import Model
from semoe.prompts.rendering import TrainingSequence
from semoe.stages.ahead import ahead
from semoe.stages.recipe import Recipe
from semoe.stages.room import require_room
from semoe.store.record import ExpertRecord
from semoe.telemetry.counting import metrics
from semoe.telemetry.step_clock import StepClock

log = logging.getLogger(__name__)
Stop = Callable[[], bool]


class TakesExperts(Protocol):
    """Where trained experts go."""

    def add(self, flat_N: Tensor, record: ExpertRecord) -> None:
        """Takes an expert, [N], and its record."""
        ...

    def flush(self) -> None:
        """Keeps for good what it has."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What training came to."""

    num_experts: int
    num_tokens: int
    """Trained on, repetitions counted."""
    num_empty: int
    """Passages that give nothing to learn, of those that were looked at."""
    too_long: TooLong
    """Of the sequences of these passages."""


def train(
    model: Model,
    recipe: Recipe,
    passages: Mapping[str, AugmentedPassage],
    producer: TakesExperts,
    *,
    tokens_per_step: int | None = None,
    stop: Stop = lambda: False,
    advance: Callable[[float], None] = lambda experts: None,
) -> Trained:
    """Trains an expert for each passage that gives something to learn, and hands it to the producer.

    Args:
        model: the base model.
        recipe: how.
        passages: augmented passages by key.
        producer: publishes.
        tokens_per_step: tokens trained at once; memory and speed, not result. None: what is best on the device.
        stop: asked after each step; True ends the work once the batch in hand is finished.
        advance: told after each step how much was done, in experts.

    What is longer than it may be is told once, as a warning.

    Raises:
        UsageError: the worked examples alone are longer than a sequence may be.

    Returns:
        What was done; fewer than there are passages where it was asked to stop.
    """
    require_room(model, recipe.preset.sequences.template, recipe.exemplars, MAX_TOKENS)
    learnt = _Learnt(model, recipe, passages)
    training = recipe.preset.training
    space = recipe.space(model).name
    num_trained = 0
    num_tokens = 0
    layout = recipe.layout(model)
    clock = StepClock(metrics.step_seconds)

    def on_step(experts: float) -> None:
        clock.tick()
        advance(experts)
        if stop():
            # Time may be short: what is finished is safe before the batch in hand goes on.
            producer.flush()

    for trained in train_experts(
        road_for(model.decoder, layout, base_weight(layout, training.seed), training),
        training,
        ahead(learnt.sequences(), LOOKAHEAD),
        tokens_per_step=tokens_per_step,
        on_step=on_step,
        stop=stop,
    ):
        key = learnt.keys[trained.index]
        with clock.paused():
            producer.add(trained.flat_N, _record(key, space, recipe, passages[key], trained))
        flops = training_flops(model.decoder.config, trained.num_tokens, trained.num_learnt)
        metrics.expert_trained(loss=trained.loss, num_tokens=trained.num_tokens, flops=flops)
        num_trained += 1
        num_tokens += trained.num_tokens
    if said := learnt.too_long.told(learnt.context):
        log.warning(said)
    return Trained(num_experts=num_trained, num_tokens=num_tokens, num_empty=learnt.num_empty, too_long=learnt.too_long)


class _Learnt:
    """What experts learn of their passages, written as it is asked for: a shard's tokens need not all be in memory."""

    def __init__(self, model: Model, recipe: Recipe, passages: Mapping[str, AugmentedPassage]) -> None:
        self._model = model
        self._recipe = recipe
        self._passages = passages
        self.context = model.decoder.config.context
        self.keys: list[str] = []
        """Of the passages that give something to learn, in order."""
        self.num_empty = 0
        self.too_long = TooLong()

    def sequences(self) -> Iterator[list[TrainingSequence]]:
        """Yields those of each passage that gives something to learn."""
        for key, passage in self._passages.items():
            whole = self._recipe.whole_sequences(self._model, passage)
            self.too_long += TooLong.of(whole, self.context)
            own = bounded(whole)
            if own:
                self.keys.append(key)
                yield own
            else:
                self.num_empty += 1


def _record(key: str, space: str, recipe: Recipe, passage: AugmentedPassage, trained: TrainedExpert) -> ExpertRecord:
    return ExpertRecord(
        key=key,
        space=space,
        preset=recipe.preset.name,
        title=passage.title,
        passage=passage.passage,
        pairs=tuple((pair.question, pair.answer) for pair in recipe.read(passage).qa),
        num_tokens=trained.num_tokens,
        loss=trained.loss,
        learnt=recipe.learnt(passage),
    )
