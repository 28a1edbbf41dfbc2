"""Which sequences each step takes, and how a step's sequences are packed into one row of tokens.

    T packed tokens   M learnt tokens

Knows sequences of token ids only. Nothing is padded: sequences lie one behind the other, sorted by expert.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

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
    chooser, pool = random.Random(settings.seed), list[TrainingSequence]()
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


def pack(steps: Sequence[Step], settings: TrainingSettings, device: torch.device) -> PackedStep:
    """Packs one step of each expert, in the order given."""
    tokens: list[int] = []
    lengths, segments, learnt, labels, weights, experts = (
        [],
        [],
        list[int](),
        list[int](),
        list[float](),
        list[int](),
    )
    for expert, step in enumerate(steps):
        first_row = len(tokens)
        counts = [len(s.tokens) - _first_learnt(s, settings) for s in step]
        for sequence, count in zip(step, counts, strict=True):
            start, first = len(tokens), _first_learnt(sequence, settings)
            tokens += sequence.tokens
            lengths.append(len(sequence.tokens))
            learnt += range(start + first - 1, len(tokens) - 1)
            labels += sequence.tokens[first:]
            share = 1 / sum(counts) if settings.reduction == "token" else 1 / (len(step) * count)
            weights += [share] * count
            experts += [expert] * count
        segments.append((first_row, len(tokens)))
    return PackedStep(
        tokens_T=torch.tensor(tokens, device=device),
        lengths=tuple(lengths),
        segments=tuple(segments),
        learnt_M=torch.tensor(learnt, device=device),
        labels_M=torch.tensor(labels, device=device),
        weights_M=torch.tensor(weights, device=device),
        expert_M=torch.tensor(experts, device=device),
    )


def _first_learnt(sequence: TrainingSequence, settings: TrainingSettings) -> int:
    """The first token with something before it to be predicted from."""
    return max(1, sequence.loss_from if settings.loss == "answer" else 1)
