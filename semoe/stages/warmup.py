"""The warm-up: one adapter learns how questions are answered, and experts start from it.

As PRAG (arXiv 2501.15915) has it: examples of a task without passages, each closed by the end token. What is learnt is
kept in the store as a base weight.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from semoe.errors import UsageError
from semoe.experts.packing import schedule
from semoe.experts.roads import road_for
from semoe.experts.sequences import bounded
from semoe.experts.training import train_experts
from semoe.models.model import Model
from semoe.prompts.exemplars import load_exemplars
from semoe.prompts.rendering import TrainingSequence, training_sequence
from semoe.prompts.template import load_template
from semoe.stages.recipe import Recipe
from semoe.stages.room import require_room
from semoe.store.base_weights import add_base_weight, starting_weight
from semoe.store.objects import Objects


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """A question, and what is to be written behind it."""

    question: str
    answer: str
    """A short answer, or a chain of thought with its closing sentence."""
    exemplars_of: str = ""
    """The dataset whose worked examples stand before a chain of thought; empty: none do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmedUp:
    """What a warm-up came to."""

    key: str
    """Of the base weight in the store."""
    num_examples: int
    """That were learnt: those whose answer begins within a sequence's length."""
    num_steps: int
    last_loss: float
    """Of the last step, before its update."""


def warm_up(
    model: Model,
    recipe: Recipe,
    examples: Sequence[Example],
    objects: Objects,
    *,
    advance: Callable[[float], None] = lambda steps: None,
) -> WarmedUp:
    """Trains one adapter on all examples, in their order, and keeps it in the store as a base weight.

    It begins where experts of the recipe begin. The same examples make the same weight on the same device; a warm-up
    that is stopped begins again.

    Args:
        model: the base model.
        recipe: of the experts that are to start from it: shape, template and training; not `num_steps`, since each
            example is learnt once an epoch.
        examples: in the order in which they are learnt.
        objects: the store.
        advance: told after each step, in steps.

    Raises:
        UsageError: no example fits, an example's dataset has no worked examples, or the numbers are not finite.
        TransientError: the store does not answer.
    """
    settings = replace(recipe.preset.training, num_steps=None)
    layout = recipe.layout(model)
    sequences = bounded(_sequences(model, recipe, examples))
    steps = len(schedule(sequences, settings))
    if not steps:
        raise UsageError("No example is short enough to be learnt. Give others.", kind="no-sequences")
    road = road_for(model.decoder, layout, starting_weight(objects, layout, settings), settings)
    (trained,) = train_experts(road, settings, [sequences], on_step=lambda share: advance(share * steps))
    if not math.isfinite(trained.loss):
        raise UsageError(
            "The warm-up's loss is not finite. Take a smaller learning rate, or --dtype float32.", kind="not-finite"
        )
    about = {"examples": len(sequences), "steps": steps, "last_loss": trained.loss, "preset": recipe.preset.name}
    key = add_base_weight(objects, layout, trained.flat_N, base_model=recipe.model_name, about=about)
    return WarmedUp(key=key, num_examples=len(sequences), num_steps=steps, last_loss=trained.loss)


def _sequences(model: Model, recipe: Recipe, examples: Sequence[Example]) -> Iterator[TrainingSequence]:
    # An expert's own sequences may stay open, as published; a warm-up's answers end, as published too.
    template = replace(load_template(recipe.preset.sequences.template), ends_turn=True)
    names = {one.exemplars_of for one in examples}
    worked = {name: load_exemplars(name) if name else () for name in names}
    for exemplars in worked.values():
        require_room(model, recipe.preset.sequences.template, exemplars)
    for one in examples:
        exemplars = worked[one.exemplars_of]
        yield training_sequence(
            model.tokenizer, template, one.question, one.answer, exemplars=exemplars, cot=bool(exemplars)
        )
