"""Elementwise operations with hand-written gradients.

The formulas in plain PyTorch stand beside them (`rms_norm_reference`, `swiglu_reference`); the hand-written ones keep
fewer tensors for the backward pass and walk through memory in blocks that stay in a core's cache.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

BLOCK_BYTES = 1 << 20


def rms_norm_reference(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """X / sqrt(mean(x²) + eps) · weight over the last axis, computed in float32 (arXiv 1910.07467)."""
    x32 = x.float()
    normed = x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + eps)
    return normed.to(x.dtype) * weight


def swiglu_reference(gate: Tensor, up: Tensor) -> Tensor:
    """silu(gate) · up (arXiv 2002.05202)."""
    return F.silu(gate) * up


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`rms_norm_reference`, keeping one number a row for the backward pass."""
    if not torch.is_grad_enabled() or not x.requires_grad:
        return rms_norm_reference(x, weight, eps)
    return _RmsNorm.apply(x, weight, eps)  # type: ignore[no-any-return, no-untyped-call]


def swiglu(gate: Tensor, up: Tensor) -> Tensor:
    """`swiglu_reference`, recomputing silu in the backward pass."""
    if not torch.is_grad_enabled() or not (gate.requires_grad or up.requires_grad):
        return swiglu_reference(gate, up)
    return _SwiGlu.apply(gate, up)  # type: ignore[no-any-return, no-untyped-call]


class _RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        x32 = x.float()
        scale = torch.rsqrt(torch.linalg.vector_norm(x32, dim=-1, keepdim=True).square() / x.shape[-1] + eps)
        ctx.save_for_backward(x, weight, scale)
        return (x32 * scale).to(x.dtype) * weight

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        dn = (dy * weight).float()
        shift = torch.einsum("...d,...d->...", dn, x.float())[..., None] * scale.pow(3) / x.shape[-1]
        return (dn.mul_(scale)).addcmul_(x.float(), shift, value=-1).to(x.dtype), None, None


class _SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        out = torch.empty_like(gate)
        for g, u, o in _blocks(gate, up, out):
            torch.mul(F.silu(g), u, out=o)
        return out

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        dgate = torch.empty_like(gate)
        dup = torch.empty_like(up)
        for g, u, d, dg, du in _blocks(gate, up, dy, dgate, dup):
            torch.mul(d, F.silu(g), out=du)
            torch.ops.aten.silu_backward.grad_input(d * u, g, grad_input=dg)
        return dgate, dup


def _blocks(*tensors: Tensor) -> Any:
    """Yields matching slices of rows, each about BLOCK_BYTES."""
    rows = max(1, BLOCK_BYTES // (tensors[0].shape[-1] * tensors[0].element_size()))
    return zip(*(tensor.split(rows) for tensor in tensors), strict=True)
