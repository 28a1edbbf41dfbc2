"""The fast path of training: many experts over one frozen base, tokens packed and sorted by expert.

    T packed tokens   E experts   R rank   I, O inputs and outputs of a site   N numbers of one expert

The base product is one large matrix product for all tokens; each expert adds its own low-rank product to its own
rows. `reference.py` holds the plain twin with the same signature.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from semoe.experts.layout import ExpertLayout
from semoe.models.decoder import Linear
from semoe.models.products import linear, linear_backward
from semoe.models.sites import Site

Segments = Sequence[tuple[int, int]]
"""(first row, row after the last) of each expert, in the order of the stack."""


class GroupedLinear:
    """A `Linear` that adds each expert's delta to its own rows, and gathers gradients into `grads_EN`."""

    def __init__(self, layout: ExpertLayout, stack_EN: Tensor, grads_EN: Tensor, segments: Segments) -> None:
        self._segments = segments
        self._scaling = layout.lora.scaling
        self._parts = {site: (*layout.pair(stack_EN, site), *layout.pair(grads_EN, site)) for site in layout.sites}
        # Gradients of the experts go straight into `grads_EN`; this leaf only makes autograd call the backward pass.
        self._leaf = torch.zeros((), requires_grad=True)

    def __call__(self, site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        """Returns y_TO = x W^T + bias + scaling · (x A^T) B^T, with A and B of each row's own expert."""
        if site not in self._parts:
            return linear(x_TI, weight_OI, bias_O)
        args = (x_TI, weight_OI, bias_O, self._leaf, self._parts[site], self._segments, self._scaling)
        return _ExpertLinear.apply(*args)  # type: ignore[no-any-return, no-untyped-call]


def grouped_linear(layout: ExpertLayout, stack_EN: Tensor, grads_EN: Tensor, segments: Segments) -> Linear:
    """Returns the fast `Linear`; after a backward pass `grads_EN` has grown by the experts' gradients."""
    return GroupedLinear(layout, stack_EN, grads_EN, segments)


class _ExpertLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_TI: Tensor,
        weight_OI: Tensor,
        bias_O: Tensor | None,
        leaf: Tensor,
        parts: tuple[Tensor, Tensor, Tensor, Tensor],
        segments: Segments,
        scaling: float,
    ) -> Tensor:
        y_TO = linear(x_TI, weight_OI, bias_O)
        a_ERI = parts[0].to(x_TI.dtype)
        # Scaled and R-major: products with a narrow row-major [O, R] take several times longer on a CPU.
        b_ERO = (parts[1] * scaling).transpose(1, 2).to(x_TI.dtype).contiguous()
        u_TR = x_TI.new_empty(len(x_TI), a_ERI.shape[1])
        for (start, end), a_RI, b_RO in zip(segments, a_ERI, b_ERO, strict=True):
            torch.mm(x_TI[start:end], a_RI.T, out=u_TR[start:end])
            y_TO[start:end].addmm_(u_TR[start:end], b_RO)
        ctx.save_for_backward(x_TI, weight_OI, a_ERI, b_ERO, u_TR)
        ctx.gradients = parts[2:]
        ctx.segments = segments
        ctx.scaling = scaling
        return y_TO

    @staticmethod
    def backward(ctx: Any, dy_TO: Tensor) -> tuple[Tensor | None, ...]:
        x_TI, weight_OI, a_ERI, b_ERO, u_TR = ctx.saved_tensors
        grad_a_ERI, grad_b_EOR = ctx.gradients
        dx_TI = linear_backward(dy_TO, weight_OI) if ctx.needs_input_grad[0] else None
        for e, (start, end) in enumerate(ctx.segments):
            x = x_TI[start:end]
            u = u_TR[start:end]
            dy = dy_TO[start:end]
            du_TR = dy @ b_ERO[e].T
            grad_b_EOR[e].T.add_(u.T @ dy, alpha=ctx.scaling)
            grad_a_ERI[e] += du_TR.T @ x
            if dx_TI is not None:
                dx_TI[start:end].addmm_(du_TR, a_ERI[e])
        return dx_TI, None, None, None, None, None, None
