"""One step's rows: B that go on by a token, and behind them the prompts that begin, each without its last token.

A prompt's last token is the row's newest one: it goes on like any other, so prompts need no logits, and in the last
layer nothing but their keys and values.

    T = B + P rows   P prompt tokens
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from semoe.experts.fused.sending import Sender
from semoe.experts.fused.tables import blocks_of
from semoe.kernels.heads import Sequences
from semoe.kernels.prompts import Prompts
from semoe.kernels.residual import RowBlocks

BLOCK_ROWS = 2
"""Rows of a prompt that share one reading of its experts' numbers."""


@dataclass(frozen=True)
class Going:
    """Rows that go on by a token."""

    slots_B: Tensor

    @cached_property
    def blocks(self) -> RowBlocks:
        """A block a row."""
        first_B = torch.arange(len(self.slots_B), dtype=torch.int32, device=self.slots_B.device)
        return RowBlocks(first_B, first_B + 1, self.slots_B, 1)

    def __len__(self) -> int:
        return len(self.slots_B)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Prompts that begin, packed one behind the other."""

    tokens_P: Tensor
    slots_P: Tensor
    positions_P: Tensor
    prompts: Prompts
    blocks: RowBlocks

    def __len__(self) -> int:
        return len(self.tokens_P)

    @property
    def sequences(self) -> Sequences:
        """The prompts as attention wants them."""
        return Sequences(self.prompts.first_S, self.prompts.end_S, self.prompts.longest)


def beginning(prompts: Sequence[Sequence[int]], slots: Sequence[int], send: Sender) -> Beginning | None:
    """Packs prompts; None where none has more than its last token."""
    real = [(prompt[:-1], slot) for prompt, slot in zip(prompts, slots, strict=True) if len(prompt) > 1]
    if not real:
        return None
    lengths_S = np.array([len(prompt) for prompt, _ in real])
    slots_S = np.array([slot for _, slot in real])
    ends_S = lengths_S.cumsum()
    first_B, end_B, prompt_B = blocks_of(np.concatenate([[0], ends_S]), BLOCK_ROWS)
    return Beginning(
        tokens_P=send.table(np.concatenate([np.array(prompt) for prompt, _ in real])),
        slots_P=send.table(slots_S.repeat(lengths_S)),
        positions_P=send.table(np.arange(ends_S[-1]) - (ends_S - lengths_S).repeat(lengths_S)),
        prompts=Prompts(send.table(ends_S - lengths_S), send.table(ends_S), send.table(slots_S), int(lengths_S.max())),
        blocks=RowBlocks(send.table(first_B), send.table(end_B), send.table(slots_S[prompt_B]), BLOCK_ROWS),
    )
