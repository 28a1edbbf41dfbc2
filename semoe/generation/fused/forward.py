"""One step: every row's next token, and the keys and values of the prompts that begin.

T rows: B that go on, then P of prompts
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.experts.fused.products import Products
from semoe.experts.fused.rows import LayerRows
from semoe.experts.fused.weights import BaseWeights, LayerWeights, embed
from semoe.generation.fused.batch import Beginning, Going
from semoe.generation.fused.buffers import Buffers
from semoe.kernels.attention import attention_forward
from semoe.kernels.choice import choose
from semoe.kernels.gated_rows import gated_rows, num_row_parts
from semoe.kernels.heads import Angles
from semoe.kernels.loaded import Loaded
from semoe.kernels.pages import Pages, attend_to_pages, store_in_pages
from semoe.kernels.prompts import GROUPS, gated_prompts, project
from semoe.kernels.residual import DownParts, RowBlocks, UpRows, residual_norm
from semoe.kernels.rotation import rotate
from semoe.models.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Step:
    """What a step needs to know."""

    config: ModelConfig
    weights: BaseWeights
    experts: list[LayerRows]
    """Of the pool."""
    loaded: Loaded
    pages: list[Pages]
    buffers: Buffers
    products: Products
    going: Going
    beginning: Beginning | None
    tokens_T: Tensor
    slots_T: Tensor
    positions_T: Tensor
    angles: tuple[Angles, Angles]
    """Of layers that see everything, and of those that slide."""
    tokens_S: Tensor
    positions_S: Tensor

    @property
    def num_going(self) -> int:
        """B."""
        return len(self.going)


@dataclass(frozen=True, slots=True)
class _Part:
    """Either the rows that go on, or those of prompts."""

    rows: slice
    blocks: RowBlocks
    beginning: Beginning | None
    u_TKQ: Tensor
    partial_PTKR: Tensor


def forward(step: Step) -> None:
    """Chooses the next token of every row that goes on; leaves the last layer's rotated queries in the buffers."""
    embed(step.config, step.weights, step.tokens_T, step.buffers.x_TD[: len(step.tokens_T)])
    parts = _parts(step)
    last = len(step.weights.layers) - 1
    for layer, weights in enumerate(step.weights.layers):
        _enter(step, layer, parts)
        mixing = parts if layer < last else parts[:1]
        _attention(step, layer, weights, len(step.tokens_T), mixing)
        parts = mixing
        _mlp(step, layer, weights, parts)
    _enter(step, last + 1, parts)
    _choose(step)


def _parts(step: Step) -> list[_Part]:
    num, inner = step.num_going, step.config.intermediate_size
    parts = [_part(step, slice(0, num), step.going.blocks, None, num_row_parts(inner))]
    if step.beginning is not None:
        rows = slice(num, num + len(step.beginning))
        parts.append(_part(step, rows, step.beginning.blocks, step.beginning, GROUPS))
    return parts


def _part(step: Step, rows: slice, blocks: RowBlocks, beginning: Beginning | None, num_parts: int) -> _Part:
    num_rows = rows.stop - rows.start
    most = step.loaded.places_SK.shape[1]
    rank = step.experts[0].a_ERI.shape[1]
    like = step.loaded.weights_SK
    return _Part(
        rows,
        blocks,
        beginning,
        like.new_empty(num_rows, most, 2 * rank),
        like.new_empty(num_parts, num_rows, most, rank),
    )


def _enter(step: Step, layer: int, parts: list[_Part]) -> None:
    """Adds what the layer before it gave to the residual stream, and norms it for this one."""
    layers = step.weights.layers
    buffers = step.buffers
    for part in parts:
        residual_norm(
            buffers.x_TD[part.rows],
            buffers.y_TD[part.rows] if layer else None,
            buffers.h_TD[part.rows],
            layers[layer].input_norm_D if layer < len(layers) else step.weights.final_norm_D,
            step.config.rms_norm_eps,
            part.blocks,
            step.loaded,
            post_D=layers[layer - 1].post_mlp_D if layer else None,
            down=DownParts(part.partial_PTKR, step.experts[layer - 1].b_ERD) if layer else None,
        )


def _attention(step: Step, layer: int, weights: LayerWeights, num_rows: int, parts: list[_Part]) -> None:
    """Stores the keys and values of all rows; mixes the values for those of `parts`."""
    buffers, pages, num = step.buffers, step.pages[layer], step.num_going
    raw_qkv_TC, qkv_TC = buffers.raw_qkv_TC[:num_rows], buffers.qkv_TC[:num_rows]
    raw_qkv_TC = raw_qkv_TC if weights.head_norms else qkv_TC
    step.products.forward(buffers.h_TD[:num_rows], weights.qkv, raw_qkv_TC)
    angles = step.angles[weights.slides]
    rotate(raw_qkv_TC, angles, weights.heads, qkv_TC, weights.head_norms, step.config.rms_norm_eps)
    store_in_pages(qkv_TC, pages, weights.heads, step.slots_T, step.positions_T)
    attend_to_pages(
        qkv_TC[:num], pages, weights.heads, step.slots_T[:num], step.positions_T[:num], buffers.mixed_TA[:num]
    )
    for part in parts[1:]:
        if part.beginning is not None:
            attention_forward(
                qkv_TC[part.rows],
                part.beginning.sequences,
                weights.heads,
                buffers.mixed_TA[part.rows],
                buffers.log_sum_HT,
            )
    end = parts[-1].rows.stop
    step.products.forward(buffers.mixed_TA[:end], weights.output, buffers.y_TD[:end])


def _mlp(step: Step, layer: int, weights: LayerWeights, parts: list[_Part]) -> None:
    buffers, end = step.buffers, parts[-1].rows.stop
    experts = step.experts[layer]
    for part in parts:
        rows, h_TD = part.rows, buffers.h_TD[part.rows]
        residual_norm(
            buffers.x_TD[rows],
            buffers.y_TD[rows],
            h_TD,
            weights.mlp_norm_D,
            step.config.rms_norm_eps,
            part.blocks,
            step.loaded,
            post_D=weights.post_attention_D,
            up=UpRows(experts.a_EQD, part.u_TKQ) if part.beginning is None else None,
        )
        if part.beginning is not None:
            project(h_TD, experts.a_EQD, part.beginning.prompts, step.loaded, part.u_TKQ)
    step.products.forward(buffers.h_TD[:end], weights.gate_up, buffers.gate_up_TI[:end])
    for part in parts:
        _gated(step, part, experts)
    step.products.forward(buffers.act_TI[:end], weights.down, buffers.y_TD[:end])


def _gated(step: Step, part: _Part, experts: LayerRows) -> None:
    gate_up_TI, act_TI = step.buffers.gate_up_TI[part.rows], step.buffers.act_TI[part.rows]
    operands = gate_up_TI, part.u_TKQ, experts.b_EQI, experts.a_ERI
    results = step.config.hidden_act, act_TI, part.partial_PTKR
    if part.beginning is None:
        gated_rows(*operands, step.slots_T[part.rows], step.loaded, *results)
    else:
        gated_prompts(*operands, part.beginning.prompts, step.loaded, *results)


def _choose(step: Step) -> None:
    num, buffers = step.num_going, step.buffers
    logits_BV = buffers.logits_BV[:num]
    step.products.forward(buffers.h_TD[:num], step.weights.head, logits_BV)
    chosen_B, logprobs_B, entropies_B = (row[:num] for row in buffers.choice_3B)
    choose(
        logits_BV,
        step.slots_T[:num],
        step.tokens_S,
        step.positions_S,
        chosen_B.view(torch.int32),
        logprobs_B,
        entropies_B,
    )
