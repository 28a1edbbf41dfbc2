"""Stage `encode`, its training: the experts that a space lacks, for the verb and for one shard of a run."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from semoe.datasets.augmented import AugmentedPassage
from semoe.errors import UsageError
from semoe.experts.flops import training_flops
from semoe.experts.roads import road_for
from semoe.experts.sequences import MAX_TOKENS, TooLong, bounded
from semoe.experts.training import LOOKAHEAD, TrainedExpert, train_experts
from semoe.models.model import Model
from semoe.prompts.rendering import TrainingSequence
from semoe.stages.ahead import Ahead
from semoe.stages.isolating import Isolating, Taken
from semoe.stages.recipe import Recipe
from semoe.stages.room import require_room
from semoe.store.base_weights import starting_weight
from semoe.store.objects import Objects
from semoe.store.record import ExpertRecord
from semoe.telemetry.counting import metrics
from semoe.telemetry.step_clock import StepClock

log = logging.getLogger(__name__)
Stop = Callable[[], bool]
Keyed = tuple[str, AugmentedPassage]
"""A passage with rewrite and pairs, and its key."""
SetsAside = Callable[[Keyed, Exception], None]


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
    losses: float
    """Of these experts, each at its last step, added up."""
    num_empty: int
    """Passages that give nothing to learn, of those that were looked at."""
    too_long: TooLong
    """Of the sequences of these passages."""
    waiting_seconds: float
    """For passages that were not ready yet."""


def train(
    model: Model,
    recipe: Recipe,
    passages: Iterable[Keyed],
    producer: TakesExperts,
    objects: Objects,
    *,
    tokens_per_step: int | None = None,
    stop: Stop = lambda: False,
    advance: Callable[[float], None] = lambda experts: None,
    on_empty: Callable[[str], None] = lambda key: None,
    set_aside: SetsAside | None = None,
) -> Trained:
    """Trains an expert for each passage that gives something to learn, and hands it to the producer.

    Args:
        model: the base model.
        recipe: how.
        passages: key and augmented passage; asked for as they are needed, in a thread, some thousand ahead.
        producer: publishes.
        objects: the store, which has the weight that experts start from where one was given.
        tokens_per_step: tokens trained at once; memory and speed, not result. None: what is best on the device.
        stop: asked after each step; True ends the work once the batch in hand is finished.
        advance: told after each step how much was done, in experts.
        on_empty: hears of a passage that gives nothing to learn, by its key.
        set_aside: hears of a passage whose training fails, with others and alone, and the work goes on; None: it ends.

    What is longer than it may be is told once, as a warning.

    Raises:
        UsageError: the worked examples alone are longer than a sequence may be, an expert's numbers are not finite, or
            the store lacks the base weight.

    Returns:
        What was done; fewer than there are passages where it was asked to stop.
    """
    require_room(model, recipe.preset.sequences.template, recipe.exemplars, MAX_TOKENS)
    work = _Training(model, recipe, producer, objects, tokens_per_step, stop, advance, on_empty, set_aside)
    if set_aside is None:
        work(Taken(passages))
    else:
        Isolating(work, set_aside).run(passages)
    if said := work.too_long.told(model.decoder.config.context):
        log.warning(said)
    return Trained(
        num_experts=work.num_trained,
        num_tokens=work.num_tokens,
        losses=work.losses,
        num_empty=work.num_empty,
        too_long=work.too_long,
        waiting_seconds=work.waiting_seconds,
    )


class _Training:
    """Trains what it is given, and counts."""

    def __init__(
        self,
        model: Model,
        recipe: Recipe,
        producer: TakesExperts,
        objects: Objects,
        tokens_per_step: int | None,
        stop: Stop,
        advance: Callable[[float], None],
        on_empty: Callable[[str], None],
        set_aside: SetsAside | None,
    ) -> None:
        self._model = model
        self._recipe = recipe
        self._producer = producer
        self._tokens_per_step = tokens_per_step
        self._stop = stop
        self._advance = advance
        self._on_empty = on_empty
        self._set_aside = set_aside
        self._clock = StepClock(metrics.step_seconds)
        self._space = recipe.space(model).name
        layout = recipe.layout(model)
        settings = recipe.preset.training
        self._road = road_for(model.decoder, layout, starting_weight(objects, layout, settings), settings)
        self.num_trained = self.num_tokens = self.num_empty = 0
        self.too_long = TooLong()
        self.losses = 0.0
        self.waiting_seconds = 0.0

    def __call__(self, passages: Taken[Keyed]) -> None:
        asked: dict[int, tuple[int, Keyed]] = {}
        """By the trainer's number of an expert: the passage, and its position among `passages`."""
        sequences = Ahead(self._sequences(passages, asked), LOOKAHEAD)
        # Closed whatever happens: a thread that went on would take passages away from the next attempt.
        with closing(sequences):
            for trained in train_experts(
                self._road,
                self._recipe.preset.training,
                sequences,
                num_ready=sequences.num_ready,
                tokens_per_step=self._tokens_per_step,
                on_step=self._stepped,
                stop=self._stop,
            ):
                position, keyed = asked.pop(trained.index)
                with self._clock.paused():
                    self._take(keyed, trained)
                passages.finish(position)
        self.waiting_seconds += sequences.waited_seconds

    def _sequences(
        self, passages: Taken[Keyed], asked: dict[int, tuple[int, Keyed]]
    ) -> Iterator[list[TrainingSequence]]:
        """Yields those of each passage that gives something to learn, written as they are asked for."""
        number = 0
        for position, keyed in enumerate(passages):
            key, passage = keyed
            whole = self._recipe.whole_sequences(self._model, passage)
            own = bounded(whole)
            self.too_long += TooLong.of(whole, self._model.decoder.config.context)
            if own:
                asked[number] = position, keyed
                number += 1
                yield own
            else:
                self.num_empty += 1
                self._on_empty(key)
                passages.finish(position)

    def _take(self, keyed: Keyed, trained: TrainedExpert) -> None:
        key, passage = keyed
        if not math.isfinite(trained.loss) or not bool(torch.isfinite(trained.flat_N.sum())):
            self._not_finite(keyed)
            return
        self._producer.add(trained.flat_N, _record(key, self._space, self._recipe, passage, trained))
        flops = training_flops(self._model.decoder.config, trained.num_tokens, trained.num_learnt)
        metrics.expert_trained(loss=trained.loss, num_tokens=trained.num_tokens, flops=flops)
        self.num_trained += 1
        self.num_tokens += trained.num_tokens
        self.losses += trained.loss

    def _not_finite(self, keyed: Keyed) -> None:
        """Another attempt would come to the same: experts do not depend on each other, nor on chance."""
        name = keyed[1].id or keyed[0][:12]
        error = UsageError(
            f"The expert of passage {name} ({keyed[1].title!r}) has numbers that are not finite after training. Take a "
            "smaller learning rate, or --dtype float32.",
            kind="not-finite",
        )
        if self._set_aside is None:
            raise error
        self._set_aside(keyed, error)

    def _stepped(self, experts: float) -> None:
        self._clock.tick()
        self._advance(experts)
        if self._stop():
            # Time may be short: what is finished is safe before the batch in hand goes on.
            self._producer.flush()


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
