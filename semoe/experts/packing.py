"""Which sequences each step takes, and how a step's sequences are packed into one row of tokens.

    T packed tokens   M learnt tokens

Knows sequences of token ids only. Nothing is padded: sequences lie one behind the other, sorted by expert.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from semoe.experts.settings import TrainingSettings
from semoe.prompts.rendering import TrainingSequence

Step = tuple[TrainingSequence, ...]
"""The sequences that one expert learns in one optimiser step."""


def schedule(sequences: Sequence[TrainingSequence], settings: TrainingSettings) -> list[Step]:
    """Returns an expert's optimiser steps; depends on its own sequences only, never on its neighbours."""
    size = settings.batch_size
    if settings.num_steps is None:
        one_pass = [tuple(sequences[i : i + size]) for i in range(0, len(sequences), size)]
        return one_pass * settings.num_epochs
    chooser = random.Random(settings.seed)
    pool: list[TrainingSequence] = []
    while len(pool) < settings.num_steps * size:
        again = list(sequences)
        chooser.shuffle(again)
        pool += again
    return [tuple(pool[i * size : (i + 1) * size]) for i in range(settings.num_steps)]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedStep:
    """One step of several experts as tensors."""

    tokens_T: Tensor
    lengths: tuple[int, ...]
    """Tokens of each sequence."""
    segments: tuple[tuple[int, int], ...]
    """First row and row after the last of each expert."""
    learnt_M: Tensor
    """Rows whose next token is learnt."""
    labels_M: Tensor
    weights_M: Tensor
    """Share of each learnt token in its expert's loss; an expert's shares add up to 1."""
    expert_M: Tensor
    """Expert of each learnt token."""

    def to(self, device: torch.device) -> "PackedStep":
        """Returns the step on a device."""
        names = ("tokens_T", "learnt_M", "labels_M", "weights_M", "expert_M")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})


def pack(steps: Sequence[Step], settings: TrainingSettings) -> PackedStep:
    """Packs one step of each expert, in the order given; the tensors are on the CPU."""
    packing = _Packing()
    for step in steps:
        packing.add(step, settings)
    return packing.packed()


@dataclass(slots=True)
class _Packing:
    """A `PackedStep` that is being filled, as lists: its tensors are made once, from whole ones."""

    tokens: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    segments: list[tuple[int, int]] = field(default_factory=list)
    learnt: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    experts: list[int] = field(default_factory=list)

    def add(self, step: Step, settings: TrainingSettings) -> None:
        """Adds the step of the next expert."""
        first_row = len(self.tokens)
        expert = len(self.segments)
        firsts = [_first_learnt(sequence, settings) for sequence in step]
        counts = [len(sequence.tokens) - first for sequence, first in zip(step, firsts, strict=True)]
        for sequence, first, count in zip(step, firsts, counts, strict=True):
            self._add_tokens(sequence, first)
            # Either every learnt token weighs the same, or every sequence does, however long its answer is.
            share = 1 / sum(counts) if settings.reduction == "token" else 1 / (len(step) * count)
            self.weights += [share] * count
            self.experts += [expert] * count
        self.segments.append((first_row, len(self.tokens)))

    def _add_tokens(self, sequence: TrainingSequence, first_learnt: int) -> None:
        start = len(self.tokens)
        self.tokens += sequence.tokens
        self.lengths.append(len(sequence.tokens))
        # A token is predicted from the row before it.
        self.learnt += range(start + first_learnt - 1, len(self.tokens) - 1)
        self.labels += sequence.tokens[first_learnt:]

    def packed(self) -> PackedStep:
        """Returns what was added, as tensors."""
        return PackedStep(
            tokens_T=torch.tensor(self.tokens),
            lengths=tuple(self.lengths),
            segments=tuple(self.segments),
            learnt_M=torch.tensor(self.learnt),
            labels_M=torch.tensor(self.labels),
            weights_M=torch.tensor(self.weights),
            expert_M=torch.tensor(self.experts),
        )


def _first_learnt(sequence: TrainingSequence, settings: TrainingSettings) -> int:
    """The first token with something before it to be predicted from."""
    return max(1, sequence.loss_from if settings.loss == "answer" else 1)
