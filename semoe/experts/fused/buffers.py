"""Room for one forward and backward pass, taken once and used by every step.

T packed tokens   D hidden size   C = (H + 2 G) K   A = H K   I inner size   R rank   Q = 2 R   V vocabulary
"""

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from torch import Tensor

from semoe.experts.fused.weights import BaseWeights, LayerWeights

HEAD_ROWS = 4096
"""Rows whose logits exist at a time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the backward pass needs of one layer's forward pass."""

    input_TD: Tensor
    """The residual stream before attention."""
    input_scale_T: Tensor
    raw_qkv_TC: Tensor | None
    """Before the norm of each head; None where a family has none."""
    qkv_TC: Tensor
    """Rotated."""
    mixed_TA: Tensor
    log_sum_HT: Tensor
    attention_TD: Tensor | None
    """What attention added, before its norm; None where it has none."""
    attention_scale_T: Tensor
    middle_TD: Tensor
    """The residual stream before the MLP."""
    middle_scale_T: Tensor
    mlp_input_TD: Tensor
    """Normed."""
    u_TQ: Tensor
    """A·x of gate and up."""
    gate_up_TI: Tensor
    """Without the experts' products; afterwards its gradient."""
    u_down_TR: Tensor
    """A·x of down."""
    mlp_TD: Tensor | None
    """What the MLP added, before its norm; None where it has none."""
    mlp_scale_T: Tensor


@dataclass(frozen=True, slots=True)
class Passing:
    """What lives no longer than a layer."""

    normed_TD: Tensor
    y_TD: Tensor
    act_TI: Tensor
    dact_TI: Tensor
    dh_TD: Tensor
    dx_TD: Tensor
    dmiddle_TD: Tensor
    dy_TD: Tensor | None
    """Gradient of what was added to the residual stream, where a norm lies between; None: `dx_TD` is it."""
    dmixed_TA: Tensor
    dqkv_TC: Tensor
    delta_HT: Tensor
    v_up_TQ: Tensor
    v_down_TR: Tensor
    partial: Tensor
    """Flat; of [P, T, Q] or [P, T, R]."""
    output_TD: Tensor
    """The residual stream behind the last layer."""
    output_scale_T: Tensor


@dataclass(frozen=True, slots=True)
class Buffers:
    """All of it."""

    layers: tuple[Kept, ...]
    passing: Passing
    logits_MV: Tensor

    def of(self, num_tokens: int) -> "Buffers":
        """Returns the part that a step of so many tokens uses."""
        return replace(
            self,
            layers=tuple(_first_rows(layer, num_tokens) for layer in self.layers),
            passing=_first_rows(self.passing, num_tokens),
        )


Record = TypeVar("Record", Kept, Passing)


def _first_rows(record: Record, num_tokens: int) -> Record:
    changes = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if value is not None and value.dim() == 2:
            changes[field.name] = value[:num_tokens]
    return replace(record, **changes)


def make_buffers(weights: BaseWeights, rank: int, num_tokens: int, num_parts: int) -> Buffers:
    """Takes room for steps of up to so many tokens.

    Args:
        weights: of the base model, whose type and device the rows have.
        rank: of the experts.
        num_tokens: of the largest step.
        num_parts: blocks of columns of the gated activation, the most of its two passes.

    Raises:
        torch.OutOfMemoryError: there is not so much.
    """
    like = weights.embedding_VD
    rows = _Rows(like, num_tokens)
    layers = tuple(_kept(layer, rows, rank) for layer in weights.layers)
    logits_MV = like.new_empty(min(HEAD_ROWS, num_tokens), len(weights.head.weight_OI))
    return Buffers(layers, _passing(weights.layers[0], rows, rank, num_parts), logits_MV)


def bytes_per_token(weights: BaseWeights, rank: int, num_parts: int) -> int:
    """Returns what a token more costs, the logits left out: they have a bound of their own."""
    rows = _Rows(weights.embedding_VD.to("meta"), 1)
    records: list[Kept | Passing] = [_kept(layer, rows, rank) for layer in weights.layers]
    records.append(_passing(weights.layers[0], rows, rank, num_parts))
    tensors = [getattr(record, field.name) for record in records for field in fields(record)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)


@dataclass(frozen=True, slots=True)
class _Rows:
    like: Tensor
    num_tokens: int

    def wide(self, width: int) -> Tensor:
        """Rows of the model's type."""
        return self.like.new_empty(self.num_tokens, width)

    def numbers(self, width: int) -> Tensor:
        """Rows of float32."""
        return self.like.new_empty(self.num_tokens, width, dtype=torch.float32)

    def flat(self, per_token: int) -> Tensor:
        """Float32 numbers whose shape depends on how many tokens a step has."""
        return self.like.new_empty(self.num_tokens * per_token, dtype=torch.float32)


def _kept(layer: LayerWeights, rows: _Rows, rank: int) -> Kept:
    hidden, mixed = layer.output.weight_OI.shape
    qkv = len(layer.qkv.weight_OI)
    has_post = layer.post_mlp_D is not None
    return Kept(
        input_TD=rows.wide(hidden),
        input_scale_T=rows.flat(1),
        raw_qkv_TC=rows.wide(qkv) if layer.head_norms else None,
        qkv_TC=rows.wide(qkv),
        mixed_TA=rows.wide(mixed),
        log_sum_HT=rows.flat(layer.heads.num_heads),
        attention_TD=rows.wide(hidden) if has_post else None,
        attention_scale_T=rows.flat(1),
        middle_TD=rows.wide(hidden),
        middle_scale_T=rows.flat(1),
        mlp_input_TD=rows.wide(hidden),
        u_TQ=rows.numbers(2 * rank),
        gate_up_TI=rows.wide(len(layer.gate_up.weight_OI)),
        u_down_TR=rows.numbers(rank),
        mlp_TD=rows.wide(hidden) if has_post else None,
        mlp_scale_T=rows.flat(1),
    )


def _passing(layer: LayerWeights, rows: _Rows, rank: int, num_parts: int) -> Passing:
    hidden, inner = layer.down.weight_OI.shape
    mixed = layer.output.weight_OI.shape[1]
    return Passing(
        normed_TD=rows.wide(hidden),
        y_TD=rows.wide(hidden),
        act_TI=rows.wide(inner),
        dact_TI=rows.wide(inner),
        dh_TD=rows.wide(hidden),
        dx_TD=rows.wide(hidden),
        dmiddle_TD=rows.wide(hidden),
        dy_TD=rows.wide(hidden) if layer.post_mlp_D is not None else None,
        dmixed_TA=rows.wide(mixed),
        dqkv_TC=rows.wide(len(layer.qkv.weight_OI)),
        delta_HT=rows.flat(layer.heads.num_heads),
        v_up_TQ=rows.numbers(2 * rank),
        v_down_TR=rows.numbers(rank),
        partial=rows.flat(num_parts * 2 * rank),
        output_TD=rows.wide(hidden),
        output_scale_T=rows.flat(1),
    )
