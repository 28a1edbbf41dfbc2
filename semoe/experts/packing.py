"""Which sequences each step takes, and how a step's sequences are packed into one row of tokens.

    T packed tokens   S sequences   E experts   M learnt tokens

Knows sequences of token ids only. Nothing is padded: sequences lie one behind the other, sorted by expert.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semoe.experts.settings import TrainingSettings
from semoe.prompts.rendering import TrainingSequence

Numbers = NDArray[Any]
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
    sequences = [sequence for step in steps for sequence in step]
    expert_S = np.arange(len(steps)).repeat([len(step) for step in steps])
    lengths_S = np.array([len(sequence.tokens) for sequence in sequences], dtype=np.int64)
    first_S = np.array([_first_learnt(sequence, settings) for sequence in sequences], dtype=np.int64)
    tokens_T = np.fromiter(chain.from_iterable(one.tokens for one in sequences), np.int64, int(lengths_S.sum()))
    start_S = lengths_S.cumsum() - lengths_S
    count_S = np.maximum(lengths_S - first_S, 0)
    # A token is predicted from the row before it.
    learnt_M = (start_S + first_S - 1).repeat(count_S) + _counted(count_S)
    end_E = np.bincount(expert_S, lengths_S, len(steps)).astype(np.int64).cumsum()
    return PackedStep(
        tokens_T=torch.from_numpy(tokens_T),
        lengths=tuple(lengths_S.tolist()),
        segments=tuple(pairwise([0, *end_E.tolist()])),
        learnt_M=torch.from_numpy(learnt_M),
        labels_M=torch.from_numpy(tokens_T[learnt_M + 1]),
        weights_M=torch.from_numpy(_shares(count_S, expert_S, settings).repeat(count_S).astype(np.float32)),
        expert_M=torch.from_numpy(expert_S.repeat(count_S)),
    )


def num_learnt(step: Step, settings: TrainingSettings) -> int:
    """Returns how many tokens of a step are learnt."""
    return sum(max(0, len(sequence.tokens) - _first_learnt(sequence, settings)) for sequence in step)


def _shares(count_S: Numbers, expert_S: Numbers, settings: TrainingSettings) -> Numbers:
    """Returns the share of each learnt token of a sequence in its expert's loss.

    Either every learnt token weighs the same, or every sequence does, however long its answer is.
    """
    of_step_S = np.bincount(expert_S, count_S)[expert_S]
    of_sequence_S = np.bincount(expert_S)[expert_S] * count_S.astype(np.float64)
    with np.errstate(divide="ignore"):  # a sequence that learns nothing has no tokens to weigh
        return np.reciprocal(of_step_S if settings.reduction == "token" else of_sequence_S)


def _counted(count_S: Numbers) -> Numbers:
    """Returns 0, 1, … within each sequence."""
    before_S = count_S.cumsum() - count_S
    counted_M: Numbers = np.arange(count_S.sum()) - before_S.repeat(count_S)
    return counted_M


def _first_learnt(sequence: TrainingSequence, settings: TrainingSettings) -> int:
    """The first token with something before it to be predicted from."""
    return max(1, sequence.loss_from if settings.loss == "answer" else 1)
