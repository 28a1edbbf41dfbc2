"""The forward pass, from tokens to the normed rows behind the last layer."""

from torch import Tensor

from semoe.experts.fused.passing import Step
from semoe.experts.fused.weights import embed
from semoe.kernels.attention import attention_forward
from semoe.kernels.gated import gated_forward
from semoe.kernels.norm import Down, Post, Up, norm_forward
from semoe.kernels.rotation import rotate


def forward(step: Step) -> None:
    """Fills all that the backward pass needs; `passing.normed_TD` holds the rows that the head reads."""
    embed(step.config, step.weights, step.tables.tokens_T, step.buffers.layers[0].input_TD)
    for layer in range(len(step.weights.layers)):
        _enter(step, layer)
        _attention(step, layer)
        _mlp(step, layer)
    _enter(step, len(step.weights.layers))


def _enter(step: Step, layer: int) -> None:
    """Adds what the layer before it gave to the residual stream, and norms it for this one."""
    passing, layers = step.buffers.passing, step.buffers.layers
    behind = layer == len(layers)
    before = layers[layer - 1] if layer else None
    norm_forward(
        before.middle_TD if before else layers[0].input_TD,
        passing.y_TD if before else None,
        step.weights.final_norm_D if behind else step.weights.layers[layer].input_norm_D,
        step.config.rms_norm_eps,
        step.tables.blocks,
        step.scaling,
        sum_TD=passing.output_TD if behind else layers[layer].input_TD,
        h_TD=passing.normed_TD,
        scale_T=passing.output_scale_T if behind else layers[layer].input_scale_T,
        down=Down(step.act_parts(), before.u_down_TR, step.experts[layer - 1].b_ERD) if before else None,
        post=_post(step.weights.layers[layer - 1].post_mlp_D, before.mlp_TD, before.mlp_scale_T) if before else None,
    )


def _post(weight_D: Tensor | None, y_TD: Tensor | None, scale_T: Tensor) -> Post | None:
    """The norm of what is added to the residual stream, where a family has one."""
    return None if weight_D is None or y_TD is None else Post(weight_D, y_TD, scale_T)


def _attention(step: Step, layer: int) -> None:
    weights, kept, passing = step.weights.layers[layer], step.buffers.layers[layer], step.buffers.passing
    raw_qkv_TC = kept.qkv_TC if kept.raw_qkv_TC is None else kept.raw_qkv_TC
    step.products.forward(passing.normed_TD, weights.qkv, raw_qkv_TC)
    angles = step.angles(weights)
    rotate(raw_qkv_TC, angles, weights.heads, kept.qkv_TC, weights.head_norms, step.config.rms_norm_eps)
    attention_forward(kept.qkv_TC, step.tables.sequences, weights.heads, kept.mixed_TA, kept.log_sum_HT)
    step.products.forward(kept.mixed_TA, weights.output, passing.y_TD)


def _mlp(step: Step, layer: int) -> None:
    weights, kept, passing = step.weights.layers[layer], step.buffers.layers[layer], step.buffers.passing
    experts = step.experts[layer]
    norm_forward(
        kept.input_TD,
        passing.y_TD,
        weights.mlp_norm_D,
        step.config.rms_norm_eps,
        step.tables.blocks,
        step.scaling,
        sum_TD=kept.middle_TD,
        h_TD=kept.mlp_input_TD,
        scale_T=kept.middle_scale_T,
        up=Up(experts.a_EQD, kept.u_TQ),
        post=_post(weights.post_attention_D, kept.attention_TD, kept.attention_scale_T),
    )
    step.products.forward(kept.mlp_input_TD, weights.gate_up, kept.gate_up_TI)
    gated_forward(
        kept.gate_up_TI,
        kept.u_TQ,
        experts.b_EQI,
        experts.a_ERI,
        step.tables.first_E,
        step.scaling,
        step.config.hidden_act,
        passing.act_TI,
        step.act_parts(),
    )
    step.products.forward(passing.act_TI, weights.down, passing.y_TD)
