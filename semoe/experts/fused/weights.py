"""The base model's weights as the kernels' road multiplies by them: products that read the same rows side by side.

D hidden size   C = (H + 2 G) K, queries, keys and values   A = H K, mixed values   I inner size
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from semoe.kernels.heads import NO_WINDOW, Heads
from semoe.models.config import ModelConfig
from semoe.models.decoder import Decoder
from semoe.models.sites import Site, weight_name


@dataclass(frozen=True, slots=True)
class Product:
    """One matrix product with the base model's weights."""

    name: str
    weight_OI: Tensor
    bias_O: Tensor | None


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer; norms are float32 and hold the 1 of a unit offset."""

    qkv: Product
    output: Product
    gate_up: Product
    down: Product
    input_norm_D: Tensor
    mlp_norm_D: Tensor
    post_attention_D: Tensor | None
    """Of what attention adds to the residual stream; Gemma 3 alone."""
    post_mlp_D: Tensor | None
    head_norms: tuple[Tensor, Tensor] | None
    """Of queries and of keys, [K]."""
    heads: Heads
    slides: bool


@dataclass(frozen=True, slots=True)
class BaseWeights:
    """All layers, and what lies before and behind them."""

    layers: tuple[LayerWeights, ...]
    final_norm_D: Tensor
    head: Product
    embedding_VD: Tensor


def base_weights(decoder: Decoder) -> BaseWeights:
    """Returns a decoder's weights in this order; those that are joined are put back as views, so none is kept twice."""
    layers = tuple(_layer(decoder, layer) for layer in range(decoder.config.num_hidden_layers))
    head = Product("head", decoder.weights["lm_head.weight"], None)
    return BaseWeights(layers, _norm(decoder, "model.norm"), head, decoder.weights["model.embed_tokens.weight"])


def embed(config: ModelConfig, weights: BaseWeights, tokens_T: Tensor, out_TD: Tensor) -> None:
    """Fills the rows of tokens, scaled where a family scales them."""
    torch.index_select(weights.embedding_VD, 0, tokens_T, out=out_TD)
    if config.scaled_embedding:
        out_TD.mul_(torch.tensor(config.hidden_size**0.5).to(out_TD.dtype).item())


def _layer(decoder: Decoder, layer: int) -> LayerWeights:
    config = decoder.config
    window = config.window(layer)
    prefix = f"model.layers.{layer}"
    sandwich = config.sandwich_norm
    return LayerWeights(
        qkv=_joined(decoder, "qkv", layer, "q_proj", "k_proj", "v_proj"),
        output=_joined(decoder, "output", layer, "o_proj"),
        gate_up=_joined(decoder, "gate_up", layer, "gate_proj", "up_proj"),
        down=_joined(decoder, "down", layer, "down_proj"),
        input_norm_D=_norm(decoder, f"{prefix}.input_layernorm"),
        mlp_norm_D=_norm(
            decoder, f"{prefix}.{'pre_feedforward_layernorm' if sandwich else 'post_attention_layernorm'}"
        ),
        post_attention_D=_norm(decoder, f"{prefix}.post_attention_layernorm") if sandwich else None,
        post_mlp_D=_norm(decoder, f"{prefix}.post_feedforward_layernorm") if sandwich else None,
        head_norms=_head_norms(decoder, prefix) if config.qk_norm else None,
        heads=Heads(
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
            config.attention_scale or config.head_dim**-0.5,
            NO_WINDOW if window is None else window,
        ),
        slides=window is not None,
    )


def _head_norms(decoder: Decoder, prefix: str) -> tuple[Tensor, Tensor]:
    return _norm(decoder, f"{prefix}.self_attn.q_norm"), _norm(decoder, f"{prefix}.self_attn.k_norm")


def _norm(decoder: Decoder, name: str) -> Tensor:
    return decoder.weights[f"{name}.weight"].float() + (1 if decoder.config.unit_offset_norm else 0)


def _joined(decoder: Decoder, name: str, layer: int, *modules: str) -> Product:
    names = [weight_name(Site(layer, module)) for module in modules]
    weight_OI = _side_by_side(decoder.weights, [f"{one}.weight" for one in names])
    has_bias = f"{names[0]}.bias" in decoder.weights
    return Product(
        name, weight_OI, _side_by_side(decoder.weights, [f"{one}.bias" for one in names]) if has_bias else None
    )


def _side_by_side(weights: dict[str, Tensor], names: list[str]) -> Tensor:
    """Joins weights along their outputs, and leaves views of the whole in their places."""
    parts = [weights[name] for name in names]
    if len(parts) == 1:
        return parts[0]
    whole = _whole(parts)
    if whole is None:
        whole = torch.cat(parts)
        weights.update(zip(names, whole.split([len(part) for part in parts]), strict=True))
    return whole


def _whole(parts: list[Tensor]) -> Tensor | None:
    """Returns the tensor whose parts these are, where they lie one behind the other already."""
    base = parts[0]._base
    if base is None or len(base) != sum(map(len, parts)):
        return None
    ends = [part.data_ptr() + part.numel() * part.element_size() for part in parts]
    starts = [part.data_ptr() for part in parts[1:]]
    return base if parts[0].data_ptr() == base.data_ptr() and ends[:-1] == starts else None
