"""The backward pass, from the gradient of the rows behind the last layer to the gradients of the experts."""

from torch import Tensor

from semoe.experts.fused.passing import Step
from semoe.kernels.attention_backward import attention_backward
from semoe.kernels.gated import gated_backward
from semoe.kernels.norm_backward import DownGradient, PostGradient, UpGradient, norm_backward
from semoe.kernels.outer import outer_sums
from semoe.kernels.rotation import head_norm_backward


def backward(step: Step) -> None:
    """Fills the gradients of all experts; nothing is left of what they were."""
    _leave(step, len(step.weights.layers))
    for layer in reversed(range(len(step.weights.layers))):
        _mlp(step, layer)
        if layer:  # below the first layer's experts nothing learns
            _middle(step, layer)
            _attention(step, layer)
            _leave(step, layer)


def _leave(step: Step, layer: int) -> None:
    """Through the norm before a layer, and into what the layer before that gave."""
    passing, layers = step.buffers.passing, step.buffers.layers
    behind = layer == len(layers)
    before, weights = layers[layer - 1], step.weights.layers[layer - 1]
    norm_backward(
        passing.dh_TD,
        passing.output_TD if behind else layers[layer].input_TD,
        passing.output_scale_T if behind else layers[layer].input_scale_T,
        step.weights.final_norm_D if behind else step.weights.layers[layer].input_norm_D,
        step.tables.blocks,
        step.scaling,
        dx_TD=passing.dx_TD,
        dsum_TD=None if behind else passing.dmiddle_TD,
        down=DownGradient(step.experts[layer - 1].b_ERD, passing.v_down_TR),
        post=_post(weights.post_mlp_D, before.mlp_TD, before.mlp_scale_T, passing.dy_TD),
    )


def _post(weight_D: Tensor | None, y_TD: Tensor | None, scale_T: Tensor, dy_TD: Tensor | None) -> PostGradient | None:
    """The norm of what was added to the residual stream, where a family has one."""
    return None if weight_D is None or y_TD is None or dy_TD is None else PostGradient(weight_D, y_TD, scale_T, dy_TD)


def _added(step: Step, dx_TD: Tensor) -> Tensor:
    """The gradient of what was added to the residual stream: the stream's own, where no norm lies between."""
    dy_TD = step.buffers.passing.dy_TD
    return dx_TD if dy_TD is None else dy_TD


def _mlp(step: Step, layer: int) -> None:
    weights, kept, passing = step.weights.layers[layer], step.buffers.layers[layer], step.buffers.passing
    experts, gradients, first_E = step.experts[layer], step.gradients[layer], step.tables.first_E
    dy_TD = _added(step, passing.dx_TD)
    outer_sums(dy_TD, kept.u_down_TR, first_E, step.scaling, gradients.b_ERD)
    step.products.backward(dy_TD, weights.down, passing.dact_TI)
    parts_PTQ = step.gradient_parts()
    gated_backward(
        kept.gate_up_TI,
        passing.dact_TI,
        kept.u_TQ,
        passing.v_down_TR,
        experts.b_EQI,
        experts.a_ERI,
        first_E,
        step.scaling,
        step.config.hidden_act,
        gradients.b_EQI,
        gradients.a_ERI,
        parts_PTQ,
    )
    if layer:
        step.products.backward(kept.gate_up_TI, weights.gate_up, passing.dh_TD)
    else:
        v_TQ = parts_PTQ.sum(0).mul_(step.scaling)
        outer_sums(kept.mlp_input_TD, v_TQ, first_E, 1.0, gradients.a_EQD)


def _middle(step: Step, layer: int) -> None:
    """Through the norm before the MLP, and into what attention gave."""
    weights, kept, passing = step.weights.layers[layer], step.buffers.layers[layer], step.buffers.passing
    norm_backward(
        passing.dh_TD,
        kept.middle_TD,
        kept.middle_scale_T,
        weights.mlp_norm_D,
        step.tables.blocks,
        step.scaling,
        dx_TD=passing.dmiddle_TD,
        dsum_TD=passing.dx_TD,
        up=UpGradient(step.experts[layer].a_EQD, step.gradient_parts(), passing.v_up_TQ),
        post=_post(weights.post_attention_D, kept.attention_TD, kept.attention_scale_T, passing.dy_TD),
    )
    outer_sums(kept.mlp_input_TD, passing.v_up_TQ, step.tables.first_E, 1.0, step.gradients[layer].a_EQD)


def _attention(step: Step, layer: int) -> None:
    weights, kept, passing = step.weights.layers[layer], step.buffers.layers[layer], step.buffers.passing
    step.products.backward(_added(step, passing.dmiddle_TD), weights.output, passing.dmixed_TA)
    attention_backward(
        kept.qkv_TC,
        kept.mixed_TA,
        passing.dmixed_TA,
        kept.log_sum_HT,
        passing.delta_HT,
        step.tables.sequences,
        weights.heads,
        step.angles(weights),
        passing.dqkv_TC,
    )
    if weights.head_norms and kept.raw_qkv_TC is not None:
        eps = step.config.rms_norm_eps
        head_norm_backward(kept.raw_qkv_TC, passing.dqkv_TC, weights.heads, weights.head_norms, eps)
    step.products.backward(passing.dqkv_TC, weights.qkv, passing.dh_TD)
