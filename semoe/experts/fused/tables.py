"""What the kernels must know of one packed step: where experts, blocks of rows and sequences begin and end.

T packed tokens   E experts   S sequences   B blocks of rows   M learnt tokens
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semoe.experts.fused.angles import AngleTable
from semoe.experts.fused.sending import Sender
from semoe.experts.packing import Numbers, PackedStep
from semoe.kernels.heads import Angles, Sequences
from semoe.kernels.norm import Blocks

BLOCK_ROWS = 8
"""Rows that share one reading of an expert's numbers."""


@dataclass(frozen=True, slots=True)
class Tables:
    """One packed step on the device."""

    tokens_T: Tensor
    first_E: Tensor
    """First row of each expert, and behind it the row after the last: [E + 1]."""
    blocks: Blocks
    sequences: Sequences
    full: Angles
    sliding: Angles
    learnt_M: Tensor
    labels_M: Tensor
    weights_M: Tensor
    num_learnt_E: Tensor


def tables_of(packed: PackedStep, angles: AngleTable, device: torch.device) -> Tables:
    """Returns the tables of a step, which lies on the CPU; copies to the device wait for nothing."""
    send = Sender(device)
    lengths_S = np.array(packed.lengths)
    ends_S = lengths_S.cumsum()
    first_E = np.array([first for first, _ in packed.segments] + [len(packed.tokens_T)])
    positions_T = np.arange(ends_S[-1]) - (ends_S - lengths_S).repeat(lengths_S)
    longest = int(lengths_S.max())
    full, sliding = angles.of(send.numbers(positions_T), send.numbers(lengths_S.repeat(lengths_S)), longest)
    return Tables(
        tokens_T=send(packed.tokens_T),
        first_E=send.table(first_E),
        blocks=Blocks(*map(send.table, blocks_of(first_E, BLOCK_ROWS))),
        sequences=Sequences(send.table(ends_S - lengths_S), send.table(ends_S), longest),
        full=full,
        sliding=sliding,
        learnt_M=send(packed.learnt_M),
        labels_M=send(packed.labels_M),
        weights_M=send(packed.weights_M),
        num_learnt_E=send.numbers(np.bincount(packed.expert_M, minlength=len(packed.segments))),
    )


def blocks_of(first_E: Numbers, num_rows: int) -> tuple[Numbers, Numbers, Numbers]:
    """Cuts rows into blocks, none of which holds rows of two experts.

    Args:
        first_E: first row of each expert, and behind it the row after the last.
        num_rows: of a block.

    Returns:
        First row, row after the last, and expert of each block.
    """
    rows_E = np.diff(first_E)
    blocks_E = -(-rows_E // num_rows)
    expert_B = np.arange(len(rows_E)).repeat(blocks_E)
    number_B = np.arange(len(expert_B)) - (blocks_E.cumsum() - blocks_E).repeat(blocks_E)
    first_B = first_E[expert_B] + number_B * num_rows
    return first_B, np.minimum(first_B + num_rows, first_E[expert_B + 1]), expert_B
