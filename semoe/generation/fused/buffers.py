"""Room for one step of the engine, taken once and used by every step.

T rows: B that go on by a token, then those of whole prompts
D hidden size   C = (H + 2 G) K   A = H K   I inner size   V vocabulary
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.fused.weights import BaseWeights

OUTPUTS = 3
"""Of a row's choice: token, log-probability, entropy."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """All of it."""

    x_TD: Tensor
    """The residual stream."""
    h_TD: Tensor
    """Normed."""
    y_TD: Tensor
    """On its way into the residual stream."""
    qkv_TC: Tensor
    raw_qkv_TC: Tensor
    """Before the norm of each head; the same as `qkv_TC` where a family has none."""
    mixed_TA: Tensor
    log_sum_HT: Tensor
    gate_up_TI: Tensor
    act_TI: Tensor
    logits_BV: Tensor
    choice_3B: Tensor
    """Of each row: token (int32 in the place of a float32), log-probability, entropy."""

    @property
    def num_rows(self) -> int:
        """T at most."""
        return len(self.x_TD)


def make_buffers(weights: BaseWeights, num_rows: int, num_choices: int) -> Buffers:
    """Takes room, all zeros: rows that a captured step has too many hold numbers, if only those of a former step.

    Args:
        weights: of the base model, whose type and device the rows have.
        num_rows: of the largest step.
        num_choices: rows that go on by a token, at most.

    Raises:
        torch.OutOfMemoryError: there is not so much.
    """
    like = weights.embedding_VD
    first = weights.layers[0]
    hidden, mixed = first.output.weight_OI.shape
    gate_up, inner = len(first.gate_up.weight_OI), first.down.weight_OI.shape[1]
    qkv_TC = like.new_zeros(num_rows, len(first.qkv.weight_OI))
    return Buffers(
        x_TD=like.new_zeros(num_rows, hidden),
        h_TD=like.new_zeros(num_rows, hidden),
        y_TD=like.new_zeros(num_rows, hidden),
        qkv_TC=qkv_TC,
        raw_qkv_TC=torch.zeros_like(qkv_TC) if any(layer.head_norms for layer in weights.layers) else qkv_TC,
        mixed_TA=like.new_zeros(num_rows, mixed),
        log_sum_HT=like.new_zeros(first.heads.num_heads * num_rows, dtype=torch.float32),
        gate_up_TI=like.new_zeros(num_rows, gate_up),
        act_TI=like.new_zeros(num_rows, inner),
        logits_BV=like.new_zeros(num_choices, len(weights.head.weight_OI)),
        choice_3B=like.new_zeros(OUTPUTS, num_choices, dtype=torch.float32),
    )
