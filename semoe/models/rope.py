"""Rotary position embedding with Llama 3's scaling.

Source: RoFormer (arXiv 2104.09864); half-split layout and scaling as in the Llama 3 reference code.
"""

import math
from typing import Any

import torch
from torch import Tensor

from semoe.models.config import ModelConfig


def inverse_frequencies(config: ModelConfig) -> Tensor:
    """Returns the `head_dim / 2` rotation speeds in radians a position, float32."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    speeds = 1.0 / config.rope_theta**exponents
    scaling = config.rope_scaling
    if scaling is None:
        return speeds
    wavelengths = 2 * math.pi / speeds
    turns = scaling.original_max_position_embeddings / wavelengths
    share = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    share = share.clamp(0, 1)
    return (1 - share) * speeds / scaling.factor + share * speeds


def rotation(positions_T: Tensor, speeds: Tensor) -> tuple[Tensor, Tensor]:
    """Returns cosine and sine, each [T, 1, head_dim], for the positions of T tokens."""
    angles = positions_T[:, None].float() * speeds[None, :]
    angles = torch.cat((angles, angles), dim=-1)[:, None, :]
    return angles.cos(), angles.sin()


def rotate_reference(x_THD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates each head of each token by its position, in plain PyTorch."""
    half = x_THD.shape[-1] // 2
    turned = torch.cat((-x_THD[..., half:], x_THD[..., :half]), dim=-1)
    return x_THD * cos.to(x_THD.dtype) + turned * sin.to(x_THD.dtype)


def rotate(x_THD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """`rotate_reference`; its gradient is the rotation back."""
    return _Rotate.apply(x_THD, cos, sin)  # type: ignore[no-any-return, no-untyped-call]


class _Rotate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_THD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x_THD, cos, sin, 1)

    @staticmethod
    def backward(ctx: Any, dy_THD: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turn(dy_THD, cos, sin, -1), None, None


def _turn(x_THD: Tensor, cos: Tensor, sin: Tensor, direction: int) -> Tensor:
    half = x_THD.shape[-1] // 2
    cos = cos.to(x_THD.dtype)
    # `rotation` repeats the angles, so the first half serves both.
    sin = sin[..., :half].to(x_THD.dtype)
    out = x_THD * cos
    out[..., :half].addcmul_(x_THD[..., half:], sin, value=-direction)
    out[..., half:].addcmul_(x_THD[..., :half], sin, value=direction)
    return out
