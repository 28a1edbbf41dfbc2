"""Trains the experts that a space lacks: for the verb `encode`, and for one shard of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from torch import Tensor

from semoe.augment import augmentation_version
from semoe.datasets import AugmentedPassage
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import Preset
from semoe.experts.sequences import learnt_digest, training_sequences
from semoe.experts.space import ExpertSpace
from semoe.experts.training import TrainedExpert, train_experts
from semoe.models import Model
from semoe.prompts.exemplars import Exemplar, fingerprint
from semoe.prompts.rendering import TrainingSequence
from semoe.prompts.template import load_template
from semoe.telemetry import StepClock
from semoe.telemetry.metrics import metrics

ITSELF = "itself"
Stop = Callable[[], bool]


class TakesExperts(Protocol):
    """Where trained experts go."""

    def add(self, key: str, flat_N: Tensor, record: dict[str, Any]) -> None:
        """Takes an expert, [N], and its record."""
        ...

    def flush(self) -> None:
        """Keeps for good what it has."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What decides an expert, beside its passage."""

    model_name: str
    preset: Preset
    augmented_by: str
    exemplars: Sequence[Exemplar] = ()
    """Worked examples in each sequence; with them, targets are chains of thought."""

    def space(self, model: Model) -> ExpertSpace:
        """Returns the space of the experts that this recipe makes of a model."""
        return self.space_of(model.digest, str(model.decoder.dtype).removeprefix("torch."))

    def space_of(self, model_digest: str, dtype: str) -> ExpertSpace:
        """Returns the same for a model that need not be loaded."""
        template = load_template(self.preset.sequences.template)
        return ExpertSpace(
            base_model=self.model_name,
            model_digest=model_digest,
            preset=self.preset,
            template=template.training_digest(cot=bool(self.exemplars)),
            # The model may have many names; that it augments for itself is one thing.
            augment_model=ITSELF if self.augmented_by == self.model_name else self.augmented_by,
            augmentation_version=augmentation_version(self.augmented_by),
            exemplars=fingerprint(self.exemplars),
            dtype=dtype,
        )

    def sequences(self, model: Model, passage: AugmentedPassage) -> list[TrainingSequence]:
        """Returns what an expert of a passage is trained on; empty where the passage gives nothing to learn."""
        settings, tokenizer = self.preset.sequences, model.tokenizer
        return training_sequences(
            tokenizer, self.read(passage), settings, exemplars=self.exemplars, cot=bool(self.exemplars)
        )

    def learnt(self, passage: AugmentedPassage) -> str:
        """Returns the digest of what an expert of a passage learns."""
        return learnt_digest(self.read(passage), self.preset.sequences, cot=bool(self.exemplars))

    def read(self, passage: AugmentedPassage) -> AugmentedPassage:
        """Returns a passage with the pairs that its expert reads: a file may hold more than the recipe asks for."""
        return replace(passage, qa=passage.qa[: self.preset.augmentation.max_pairs])

    def layout(self, model: Model) -> ExpertLayout:
        """Returns the shape of those experts."""
        return ExpertLayout(model.decoder.config, self.preset.lora)


def train(
    model: Model,
    recipe: Recipe,
    passages: Mapping[str, AugmentedPassage],
    producer: TakesExperts,
    *,
    tokens_per_step: int = 2048,
    stop: Stop = lambda: False,
    advance: Callable[[float], None] = lambda experts: None,
) -> tuple[int, int]:
    """Trains an expert for each passage that gives something to learn, and hands it to the producer.

    Args:
        model: the base model.
        recipe: how.
        passages: augmented passages by key.
        producer: publishes.
        tokens_per_step: tokens trained at once; memory and speed, not result.
        stop: asked after each step; True ends the work once the batch in hand is finished.
        advance: told after each step how much was done, in experts.

    Returns:
        How many experts were trained, and on how many tokens, repetitions counted.
    """
    sequences = {key: recipe.sequences(model, passage) for key, passage in passages.items()}
    keys = [key for key, own in sequences.items() if own]
    training, space, num_trained, num_tokens = recipe.preset.training, recipe.space(model).name, 0, 0
    layout, clock = recipe.layout(model), StepClock(metrics.step_seconds)

    def on_step(experts: float) -> None:
        clock.tick()
        advance(experts)
        if stop():
            # Time may be short: what is finished is safe before the batch in hand goes on.
            producer.flush()

    for trained in train_experts(
        model.decoder,
        layout,
        base_weight(layout, training.seed),
        training,
        [sequences[key] for key in keys],
        tokens_per_step=tokens_per_step,
        on_step=on_step,
        stop=stop,
    ):
        key = keys[trained.index]
        with clock.paused():
            producer.add(key, trained.flat_N, _record(key, space, recipe, passages[key], trained))
        metrics.expert_trained(loss=trained.loss, num_tokens=trained.num_tokens)
        num_trained, num_tokens = num_trained + 1, num_tokens + trained.num_tokens
    return num_trained, num_tokens


def _record(key: str, space: str, recipe: Recipe, passage: AugmentedPassage, trained: TrainedExpert) -> dict[str, Any]:
    pairs = [{"question": pair.question, "answer": pair.answer} for pair in recipe.read(passage).qa]
    return {
        "format": 1, "key": key, "space": space, "preset": recipe.preset.name, "title": passage.title,
        "passage": passage.passage, "qa": pairs, "num_tokens": trained.num_tokens, "loss": trained.loss,
        "learnt": recipe.learnt(passage),
    }  # fmt: skip
