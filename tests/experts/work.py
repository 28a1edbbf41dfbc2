"""Work for experts of tiny models, and how far two experts lie from each other."""

import random

import torch

from semoe.experts.layout import ExpertLayout
from semoe.prompts.rendering import TrainingSequence


def learnable(counts: tuple[int, ...], seed: int = 0) -> list[list[TrainingSequence]]:
    """Sequences of odd and different lengths; expert i has counts[i] of them."""
    chooser = random.Random(seed)

    def one() -> TrainingSequence:
        length = chooser.choice([9, 13, 16, 17, 31])
        return TrainingSequence(tuple(chooser.randrange(97) for _ in range(length)), max(1, length // 2))

    return [[one() for _ in range(count)] for count in counts]


def relative_difference(layout: ExpertLayout, ours_N: torch.Tensor, theirs_N: torch.Tensor) -> float:
    """The largest difference of any tensor, relative to that tensor's largest number."""
    ours, theirs = layout.split(ours_N), layout.split(theirs_N)
    return max(float((ours[n] - theirs[n]).abs().max() / theirs[n].abs().max()) for n in ours)
