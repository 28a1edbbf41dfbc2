"""Elementwise operations with hand-written gradients.

The formulas in plain PyTorch stand beside them (`rms_norm_reference`, `gated_reference`); the hand-written ones keep
fewer tensors for the backward pass and walk through memory in blocks that stay in a core's cache.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BLOCK_BYTES = 1 << 20


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float, *, unit_offset: bool = False) -> Tensor:
    """X / sqrt(mean(x²) + eps) · weight over the last axis, normalised in float32 (arXiv 1910.07467).

    With `unit_offset` the factor is 1 + weight and the product is float32 too, rounded at its end, as Gemma's reference
    code does; without it the normalised x is rounded first, as Llama's does.
    """
    x32 = x.float()
    normed = x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + eps)
    return (normed * (1 + weight.float())).to(x.dtype) if unit_offset else normed.to(x.dtype) * weight


def gated_reference(gate: Tensor, up: Tensor, hidden_act: str) -> Tensor:
    """silu(gate) · up, or gelu(gate) · up with the tanh approximation (arXiv 2002.05202)."""
    return _activated(gate, hidden_act) * up


def rms_norm(x: Tensor, weight: Tensor, eps: float, *, unit_offset: bool = False) -> Tensor:
    """`rms_norm_reference`, keeping one number a row for the backward pass."""
    if not torch.is_grad_enabled() or not x.requires_grad:
        return rms_norm_reference(x, weight, eps, unit_offset=unit_offset)
    return _RmsNorm.apply(x, weight, eps, unit_offset)  # type: ignore[no-any-return, no-untyped-call]


def gated(gate: Tensor, up: Tensor, hidden_act: str) -> Tensor:
    """`gated_reference`, recomputing the activation in the backward pass."""
    if not torch.is_grad_enabled() or not (gate.requires_grad or up.requires_grad):
        return gated_reference(gate, up, hidden_act)
    return _Gated.apply(gate, up, hidden_act)  # type: ignore[no-any-return, no-untyped-call]


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float, unit_offset: bool) -> Tensor:
        x32 = x.float()
        scale = torch.rsqrt(torch.linalg.vector_norm(x32, dim=-1, keepdim=True).square() / x.shape[-1] + eps)
        ctx.save_for_backward(x, weight, scale)
        ctx.unit_offset = unit_offset
        normed = x32 * scale
        return (normed * (1 + weight.float())).to(x.dtype) if unit_offset else normed.to(x.dtype) * weight

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None, None]:
        x, weight, scale = ctx.saved_tensors
        dn = dy.float() * (1 + weight.float()) if ctx.unit_offset else (dy * weight).float()
        shift = torch.einsum("...d,...d->...", dn, x.float())[..., None] * scale.pow(3) / x.shape[-1]
        return (dn.mul_(scale)).addcmul_(x.float(), shift, value=-1).to(x.dtype), None, None, None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor, hidden_act: str) -> Tensor:
        ctx.save_for_backward(gate, up)
        ctx.hidden_act = hidden_act
        out = torch.empty_like(gate)
        for g, u, o in _blocks(gate, up, out):
            torch.mul(_activated(g, hidden_act), u, out=o)
        return out

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        gate, up = ctx.saved_tensors
        dgate = torch.empty_like(gate)
        dup = torch.empty_like(up)
        for g, u, d, dg, du in _blocks(gate, up, dy, dgate, dup):
            torch.mul(d, _activated(g, ctx.hidden_act), out=du)
            if ctx.hidden_act == "silu":
                torch.ops.aten.silu_backward.grad_input(d * u, g, grad_input=dg)
            else:
                torch.ops.aten.gelu_backward.grad_input(d * u, g, approximate="tanh", grad_input=dg)
        return dgate, dup, None


def _activated(gate: Tensor, hidden_act: str) -> Tensor:
    return F.silu(gate) if hidden_act == "silu" else F.gelu(gate, approximate="tanh")


def _blocks(*tensors: Tensor) -> Any:
    """Yields matching slices of rows, each about BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // (tensors[0].shape[-1] * tensors[0].element_size()))
    return zip(*(tensor.split(rows) for tensor in tensors), strict=True)
