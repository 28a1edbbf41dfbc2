"""Where experts may sit in a decoder, and how large these places are; arithmetic of shapes, without tensors."""

from typing import NamedTuple

from semoe.models.config import ModelConfig

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Site(NamedTuple):
    """A linear layer of the decoder, where an expert may sit."""

    layer: int
    module: str
    """One of PROJECTIONS."""


def projection_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Returns (outputs, inputs) of each of PROJECTIONS."""
    hidden = config.hidden_size
    inner = config.intermediate_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    return {
        "q_proj": (queries, hidden),
        "k_proj": (keys, hidden),
        "v_proj": (keys, hidden),
        "o_proj": (hidden, queries),
        "gate_proj": (inner, hidden),
        "up_proj": (inner, hidden),
        "down_proj": (hidden, inner),
    }


def weight_name(site: Site) -> str:
    """Returns the Hugging Face module path of a site, such as `model.layers.0.mlp.up_proj`."""
    part = "self_attn" if site.module in ("q_proj", "k_proj", "v_proj", "o_proj") else "mlp"
    return f"model.layers.{site.layer}.{part}.{site.module}"
