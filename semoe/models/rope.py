"""Rotary position embedding, plain and stretched.

Source: RoFormer (arXiv 2104.09864), in the half-split layout of the Llama reference code; the papers of the scalings
stand beside their records (`rope_scaling.py`). Angles, cosines and sines are float32, and rounded to the type of
queries and keys before these are turned, as in transformers.

    T packed tokens   K head size
"""

import math
from typing import Any

import torch
from torch import Tensor

from semoe.models.rope_scaling import DynamicRope, LinearRope, Llama3Rope, LongRope, RopeScaling, YarnRope


def inverse_frequencies(
    head_dim: int, theta: float, scaling: RopeScaling | None, lengths_T: Tensor | None = None
) -> Tensor:
    """Returns the rotation speeds in radians a position, float32, [K / 2].

    For the scalings that depend on a sequence's length (`dynamic`, `longrope`) they are each token's own, [T, K / 2].
    Every sequence is then computed as it would be alone.

    When an answer grows across the original length, a token is turned by the length up to itself, and what is in a
    cache stays turned as it was. transformers' `generate` does the same with its cache; its forward pass over the
    whole text, without a cache, turns all tokens by the final length and gives other numbers.

    Args:
        head_dim: K.
        theta: the base.
        scaling: how positions are stretched; None for not at all.
        lengths_T: tokens of each token's sequence, up to the last one that is computed with it.
    """
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    match scaling:
        case None:
            return 1.0 / theta**exponents
        case LinearRope():
            return 1.0 / theta**exponents / scaling.factor
        case Llama3Rope():
            return _llama3(1.0 / theta**exponents, scaling)
        case YarnRope():
            return _yarn(head_dim, theta, theta**exponents, scaling)
        case DynamicRope():
            return _dynamic(head_dim, theta, exponents, scaling, _required(lengths_T))
        case LongRope():
            return _longrope(theta**exponents, scaling, _required(lengths_T))


def _required(lengths_T: Tensor | None) -> Tensor:
    if lengths_T is None:
        raise AssertionError("this model's rotation depends on the length of each token's sequence: pass lengths_T")
    return lengths_T


def _llama3(speeds: Tensor, scaling: Llama3Rope) -> Tensor:
    wavelengths = 2 * math.pi / speeds
    turns = scaling.original_max_position_embeddings / wavelengths
    share = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    share = share.clamp(0, 1)
    return (1 - share) * speeds / scaling.factor + share * speeds


def _yarn(head_dim: int, theta: float, periods: Tensor, scaling: YarnRope) -> Tensor:
    """Equations 17 to 20 of the paper, with the ramp over dimensions as its authors' code has it."""

    def dimension(turns: float) -> float:
        """Where an angle makes so many turns within the original length."""
        ratio = scaling.original_max_position_embeddings / (turns * 2 * math.pi)
        return head_dim * math.log(ratio) / (2 * math.log(theta))

    first = dimension(scaling.beta_fast)
    last = dimension(scaling.beta_slow)
    if scaling.truncate:
        first = math.floor(first)
        last = math.ceil(last)
    first = max(first, 0)
    last = min(last, head_dim - 1)
    # A ramp without a width is a step.
    width = last - first or 0.001
    divided = ((torch.arange(head_dim // 2, dtype=torch.float32) - first) / width).clamp(0, 1)
    return divided / (scaling.factor * periods) + (1 - divided) / periods


def _dynamic(head_dim: int, theta: float, exponents: Tensor, scaling: DynamicRope, lengths_T: Tensor) -> Tensor:
    """The base grows with what a sequence exceeds the original length by."""
    excess_T = (lengths_T / scaling.original_max_position_embeddings).clamp(min=1) - 1
    base_T = theta * (1 + scaling.factor * excess_T) ** (head_dim / (head_dim - 2))
    return 1.0 / base_T[:, None] ** exponents.to(base_T.device)


def _longrope(periods: Tensor, scaling: LongRope, lengths_T: Tensor) -> Tensor:
    device = lengths_T.device
    short, long = (torch.tensor(factors, device=device) for factors in (scaling.short_factor, scaling.long_factor))
    is_long_T1 = (lengths_T > scaling.original_max_position_embeddings)[:, None]
    return 1.0 / (torch.where(is_long_T1, long, short) * periods.to(device))


def rotation(positions_T: Tensor, speeds: Tensor, attention_factor: float = 1.0) -> tuple[Tensor, Tensor]:
    """Returns cosine and sine, each [T, 1, K], for the positions of T tokens.

    Args:
        positions_T: of each token in its sequence.
        speeds: [K / 2], or [T, K / 2] where each token has its own.
        attention_factor: what both are multiplied by (YaRN and LongRoPE), and scores so by its square.
    """
    angles = positions_T[:, None].float() * speeds
    angles = torch.cat((angles, angles), dim=-1)[:, None, :]
    if attention_factor == 1:
        return angles.cos(), angles.sin()
    return angles.cos() * attention_factor, angles.sin() * attention_factor


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
