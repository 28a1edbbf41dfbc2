"""Rotary position embedding with Llama 3's scaling.

Source: RoFormer (arXiv 2104.09864); half-split layout and scaling as in the Llama 3 reference code.
"""

import math

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


def rotate(x_THD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates each head of each token by its position."""
    half = x_THD.shape[-1] // 2
    turned = torch.cat((-x_THD[..., half:], x_THD[..., :half]), dim=-1)
    return x_THD * cos.to(x_THD.dtype) + turned * sin.to(x_THD.dtype)
