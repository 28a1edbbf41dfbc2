"""One decoder for Llama, Qwen2/2.5/3 and Mistral, over packed tokens.

    T packed tokens of any number of sequences   D hidden size   I, O inputs and outputs of a linear layer
    H query heads   G key-value heads            K head size     V vocabulary

The decoder knows weights and arithmetic only. Two things are passed in: `attend`, which knows which tokens belong
together (`attention.py`, or a key-value cache), and `linear`, the one place where experts enter. Called by the
trainer and the engine alike.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from semoe.models.config import ModelConfig
from semoe.models.fused import rms_norm, swiglu
from semoe.models.rope import inverse_frequencies, rotate, rotation
from semoe.models.sites import Site, weight_name


class Linear(Protocol):
    """Computes one linear layer, with or without experts."""

    def __call__(self, site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, /) -> Tensor:
        """Returns y_TO."""
        ...


class Attend(Protocol):
    """Computes causal attention among the tokens that belong together."""

    def __call__(self, layer: int, q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, /) -> Tensor:
        """Returns the mixed values, [T, H, K]; q and k are rotated already."""
        ...


def plain_linear(site: Site, x_TI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    """The base model's own linear layer."""
    return F.linear(x_TI, weight_OI, bias_O)


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

    def hidden(self, tokens_T: Tensor, positions_T: Tensor, attend: Attend, linear: Linear = plain_linear) -> Tensor:
        """Runs all layers; returns the final normalised hidden states, [T, D]."""
        x_TD = self.weights["model.embed_tokens.weight"][tokens_T]
        cos, sin = rotation(positions_T, inverse_frequencies(self.config).to(self.device))
        for layer in range(self.config.num_hidden_layers):
            x_TD = x_TD + self._attention(layer, self._norm(x_TD, layer, "input_layernorm"), cos, sin, attend, linear)
            x_TD = x_TD + self._mlp(layer, self._norm(x_TD, layer, "post_attention_layernorm"), linear)
        return rms_norm(x_TD, self.weights["model.norm.weight"], self.config.rms_norm_eps)

    def logits(self, hidden_TD: Tensor) -> Tensor:
        """Returns the logits of the next token, [T, V]."""
        return F.linear(hidden_TD, self.weights["lm_head.weight"])

    def _attention(self, layer: int, x_TD: Tensor, cos: Tensor, sin: Tensor, attend: Attend, linear: Linear) -> Tensor:
        q, k, v = (
            self._project(layer, f"{name}_proj", x_TD, linear).unflatten(-1, (-1, self.config.head_dim))
            for name in ("q", "k", "v")
        )
        if self.config.qk_norm:
            q = self._norm(q, layer, "self_attn.q_norm")
            k = self._norm(k, layer, "self_attn.k_norm")
        mixed_THK = attend(layer, rotate(q, cos, sin), rotate(k, cos, sin), v)
        return self._project(layer, "o_proj", mixed_THK.flatten(-2), linear)

    def _mlp(self, layer: int, x_TD: Tensor, linear: Linear) -> Tensor:
        gate_TI = self._project(layer, "gate_proj", x_TD, linear)
        up_TI = self._project(layer, "up_proj", x_TD, linear)
        return self._project(layer, "down_proj", swiglu(gate_TI, up_TI), linear)

    def _project(self, layer: int, module: str, x_TI: Tensor, linear: Linear) -> Tensor:
        name = weight_name(Site(layer, module))
        return linear(Site(layer, module), x_TI, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def _norm(self, x: Tensor, layer: int, name: str) -> Tensor:
        return rms_norm(x, self.weights[f"model.layers.{layer}.{name}.weight"], self.config.rms_norm_eps)
