"""What decides an expert besides the model and the text: LoRA shape and training recipe."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from semoe.errors import UsageError, unknown_name
from semoe.models.sites import PROJECTIONS

Quantization = Literal["none", "float8"]
"""How an engine multiplies by the base model's weights: in the model's own type, or two thirds of it in float8."""


def require_quantization(name: str) -> None:
    """Makes sure that it is a known one.

    Raises:
        UsageError: it is not.
    """
    if name not in get_args(Quantization):
        raise unknown_name("quantization", name, get_args(Quantization))


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraSettings:
    """The shape of an expert; the names are PEFT's."""

    rank: int = 2
    alpha: int = 32
    target_modules: tuple[str, ...] = ("gate_proj", "up_proj", "down_proj")

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise UsageError(
                f"lora_rank and lora_alpha must be 1 or more, not {self.rank} and {self.alpha}.",
                kind="bad-value",
            )
        if not self.target_modules:
            raise UsageError("target_modules must name one layer or more.", kind="bad-value")
        for module in self.target_modules:
            if module not in PROJECTIONS:
                raise unknown_name("target module", module, PROJECTIONS)

    @property
    def scaling(self) -> float:
        """The factor on B·A: alpha / rank."""
        return self.alpha / self.rank


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """How one expert is trained on its sequences."""

    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    num_epochs: int = 1
    """Passes over an expert's sequences; not used where `num_steps` is given."""
    num_steps: int | None = None
    """Optimiser steps, cycling through the shuffled sequences."""
    batch_size: int = 1
    """Sequences a step."""
    loss: Literal["all", "answer"] = "all"
    """Which tokens are learnt: all of a sequence, or the answer with its end token."""
    reduction: Literal["token", "sequence"] = "token"
    """Mean over a step's tokens (transformers' way), or over its sequences' means."""
    seed: int = 42
    base_weight: str = ""
    """The weight that every expert starts from, by its key in the store (`semoe.store.base_weights`); empty: the random
    one that `seed` draws."""
    backward: Literal["exact", "float8"] = "exact"
    """Products of the backward pass, for bfloat16 models on a GPU that has float8: all of them in float8, or as exact
    as bfloat16 is; the head's alone is in float8 then, too, without an error that could be measured."""

    def __post_init__(self) -> None:
        # So written that it refuses what is no number, too: that is neither above nor below anything.
        if not (0 < self.learning_rate < math.inf and 0 <= self.weight_decay < math.inf):
            raise UsageError(
                f"learning_rate must be above 0 and weight_decay 0 or more, not {self.learning_rate} and "
                f"{self.weight_decay}.",
                kind="bad-value",
            )
        if self.batch_size < 1 or self.num_epochs < 1 or (self.num_steps is not None and self.num_steps < 1):
            raise UsageError("batch size, epochs and steps must be 1 or more.", kind="bad-value")
