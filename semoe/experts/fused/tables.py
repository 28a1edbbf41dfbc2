"""What the kernels must know of one packed step: where experts, blocks of rows and sequences begin and end.

T packed tokens   E experts   S sequences   B blocks of rows   M learnt tokens
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semoe.experts.packing import PackedStep
from semoe.kernels.attention import Angles, Sequences
from semoe.kernels.norm import Blocks
from semoe.models.decoder import Decoder

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


def tables_of(packed: PackedStep, decoder: Decoder) -> Tables:
    """Returns the tables of a step, which lies on the CPU; copies to the device wait for nothing."""
    lengths_S = np.array(packed.lengths)
    ends_S = lengths_S.cumsum()
    first_E = np.array([first for first, _ in packed.segments] + [len(packed.tokens_T)])
    num_learnt_E = np.bincount(packed.expert_M, minlength=len(packed.segments))
    blocks = _blocks(first_E)
    positions_T = np.arange(ends_S[-1]) - (ends_S - lengths_S).repeat(lengths_S)
    send = _Sender(decoder.device)
    tokens_T, learnt_M, labels_M = (send(x) for x in (packed.tokens_T, packed.learnt_M, packed.labels_M))
    first, end, expert, first_S, end_S, first_E_device = (
        send(torch.from_numpy(x.astype(np.int32))) for x in (*blocks, ends_S - lengths_S, ends_S, first_E)
    )
    rotations = decoder.rotations(
        send(torch.from_numpy(positions_T)), send(torch.from_numpy(lengths_S.repeat(lengths_S)))
    )
    full, sliding = (Angles(*(_first_half(one) for one in rotation)) for rotation in rotations)
    return Tables(
        tokens_T=tokens_T,
        first_E=first_E_device,
        blocks=Blocks(first, end, expert),
        sequences=Sequences(first_S, end_S, int(lengths_S.max())),
        full=full,
        sliding=sliding,
        learnt_M=learnt_M,
        labels_M=labels_M,
        weights_M=send(packed.weights_M),
        num_learnt_E=send(torch.from_numpy(num_learnt_E)),
    )


def _blocks(first_E: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns first row, row after the last, and expert of each block; no block holds rows of two experts."""
    rows_E = np.diff(first_E)
    blocks_E = -(-rows_E // BLOCK_ROWS)
    expert_B = np.arange(len(rows_E)).repeat(blocks_E)
    number_B = np.arange(len(expert_B)) - (blocks_E.cumsum() - blocks_E).repeat(blocks_E)
    first_B = first_E[expert_B] + number_B * BLOCK_ROWS
    return first_B, np.minimum(first_B + BLOCK_ROWS, first_E[expert_B + 1]), expert_B


def _first_half(angles_T1K: Tensor) -> Tensor:
    """Both halves of a head turn by the same angles, so one is kept."""
    return angles_T1K[:, 0, : angles_T1K.shape[-1] // 2].contiguous()


@dataclass(frozen=True, slots=True)
class _Sender:
    """Copies to a device, from pinned memory where that makes the copy wait for nothing."""

    device: torch.device

    def __call__(self, x: Tensor) -> Tensor:
        return x.pin_memory().to(self.device, non_blocking=True) if self.device.type == "cuda" else x
