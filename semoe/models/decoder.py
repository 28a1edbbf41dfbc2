"""One decoder for Llama, Qwen2/2.5/3, Mistral and Gemma 3 (text), over packed tokens.

    T packed tokens of any number of sequences   D hidden size   I, O inputs and outputs of a linear layer
    H query heads   G key-value heads            K head size     V vocabulary

The decoder knows weights and arithmetic only. Two things are passed in: `attend`, which knows which tokens belong
together (`attention.py`, or a key-value cache), and `linear`, the one place where experts enter. Called by the
trainer and the engine alike.

It equals transformers' models with attention computed `eager`: softmax, norms, and the angles of positions in float32,
all else in the weights' type. With `sdpa` transformers itself differs from that in the last bits.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from semoe.models import products
from semoe.models.config import ModelConfig
from semoe.models.fused import gated, rms_norm
from semoe.models.rope import inverse_frequencies, rotate, rotation
from semoe.models.rope_scaling import LongRope, RopeScaling, YarnRope
from semoe.models.sites import Site, weight_name

Rotated = tuple[Tensor, Tensor]
"""Cosine and sine of every token's angles, each [T, 1, K]."""


class Linear(Protocol):
    """Computes one linear layer, with or without experts."""

    def __call__(self, site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, /) -> Tensor:
        """Returns y_TO."""
        ...


class Attend(Protocol):
    """Computes causal attention among the tokens that belong together."""

    def __call__(
        self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, window: int | None, scale: float | None, /
    ) -> Tensor:
        """Returns the mixed values, [T, H, K]; q and k are rotated already.

        A query sees the `window` nearest tokens, itself included (None: all before it). Scores are multiplied by
        `scale` (None: 1/√K).
        """
        ...


def plain_linear(site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    """The base model's own linear layer."""
    return products.linear(x_TI, weight_OI, bias_O)


@dataclass(frozen=True)
class Decoder:
    """The frozen base model: configuration and weights under their Hugging Face names."""

    config: ModelConfig
    weights: dict[str, Tensor]
    """`model.embed_tokens.weight`, `model.layers.0.mlp.gate_proj.weight`, …; `lm_head.weight` also when tied."""

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and activations."""
        return self.weights["model.embed_tokens.weight"].dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weights["model.embed_tokens.weight"].device

    def hidden(
        self,
        tokens_T: Tensor,
        positions_T: Tensor,
        attend: Attend,
        linear: Linear = plain_linear,
        *,
        lengths_T: Tensor | None = None,
    ) -> Tensor:
        """Runs all layers; returns the final normalised hidden states, [T, D].

        Args:
            tokens_T: token ids.
            positions_T: of each token in its own sequence.
            attend: which tokens see which.
            linear: the linear layers.
            lengths_T: tokens of each token's sequence; models whose rotation depends on it (`dynamic`, `longrope`)
                cannot do without.
        """
        x_TD = self._embedded(tokens_T)
        full, sliding = self.rotations(positions_T, lengths_T)
        for layer in range(self.config.num_hidden_layers):
            rotated = full if self.config.window(layer) is None else sliding
            x_TD = self._layer(layer, x_TD, rotated, attend, linear)
        return self._normed(x_TD, "model.norm.weight")

    def logits(self, hidden_TD: Tensor) -> Tensor:
        """Returns the logits of the next token, [T, V]."""
        return products.linear(hidden_TD, self.weights["lm_head.weight"])

    def _embedded(self, tokens_T: Tensor) -> Tensor:
        x_TD = self.weights["model.embed_tokens.weight"][tokens_T]
        if not self.config.scaled_embedding:
            return x_TD
        # Rounded to float32 and then to the weights' type before the product, as Gemma was trained.
        return x_TD * torch.tensor(self.config.hidden_size**0.5).to(x_TD)

    def rotations(self, positions_T: Tensor, lengths_T: Tensor | None) -> tuple[Rotated, Rotated]:
        """Returns cosine and sine for the layers that see everything, and for those that slide."""
        config = self.config

        def of(theta: float, scaling: RopeScaling | None) -> Rotated:
            speeds = inverse_frequencies(config.head_dim, theta, scaling, lengths_T).to(self.device)
            factor = scaling.attention_factor if isinstance(scaling, YarnRope | LongRope) else 1.0
            return rotation(positions_T, speeds, factor)

        full = of(config.rope_theta, config.rope_scaling)
        if config.sliding_rope_theta is None:
            return full, full
        return full, of(config.sliding_rope_theta, config.sliding_rope_scaling)

    def _layer(self, layer: int, x_TD: Tensor, rotated: Rotated, attend: Attend, linear: Linear) -> Tensor:
        mixed_TD = self._attention(layer, self._norm(x_TD, layer, "input_layernorm"), rotated, attend, linear)
        if not self.config.sandwich_norm:
            x_TD = x_TD + mixed_TD
            return x_TD + self._mlp(layer, self._norm(x_TD, layer, "post_attention_layernorm"), linear)
        x_TD = x_TD + self._norm(mixed_TD, layer, "post_attention_layernorm")
        inner_TD = self._mlp(layer, self._norm(x_TD, layer, "pre_feedforward_layernorm"), linear)
        return x_TD + self._norm(inner_TD, layer, "post_feedforward_layernorm")

    def _attention(self, layer: int, x_TD: Tensor, rotated: Rotated, attend: Attend, linear: Linear) -> Tensor:
        config = self.config
        q, k, v = (
            self._project(layer, f"{name}_proj", x_TD, linear).unflatten(-1, (-1, config.head_dim))
            for name in ("q", "k", "v")
        )
        if config.qk_norm:
            q = self._norm(q, layer, "self_attn.q_norm")
            k = self._norm(k, layer, "self_attn.k_norm")
        q, k = (rotate(x, *rotated) for x in (q, k))
        mixed_THK = attend(layer, q, k, v, config.window(layer), config.attention_scale)
        return self._project(layer, "o_proj", mixed_THK.flatten(-2), linear)

    def _mlp(self, layer: int, x_TD: Tensor, linear: Linear) -> Tensor:
        gate_TI = self._project(layer, "gate_proj", x_TD, linear)
        up_TI = self._project(layer, "up_proj", x_TD, linear)
        return self._project(layer, "down_proj", gated(gate_TI, up_TI, self.config.hidden_act), linear)

    def _project(self, layer: int, module: str, x_TI: Tensor, linear: Linear) -> Tensor:
        name = weight_name(Site(layer, module))
        return linear(Site(layer, module), x_TI, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _norm(self, x: Tensor, layer: int, name: str) -> Tensor:
        return self._normed(x, f"model.layers.{layer}.{name}.weight")

    def _normed(self, x: Tensor, weight: str) -> Tensor:
        return rms_norm(x, self.weights[weight], self.config.rms_norm_eps, unit_offset=self.config.unit_offset_norm)
