"""The families that the decoder computes, and why others are refused.

A family says which value stands in for a key that `config.json` leaves out: what transformers' configuration class of
that family takes (5.24).
"""

from dataclasses import dataclass

from semoe.errors import UsageError
from semoe.models.config_values import Values


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Defaults of one `model_type`, and what its layers have."""

    max_position_embeddings: int
    num_key_value_heads: int | None = None
    """None: as many as query heads."""
    null_key_value_heads: bool = True
    """Whether null is allowed, and means as many as query heads."""
    head_dim: int | None = None
    """None: hidden_size / num_attention_heads, and null means it too."""
    eos_token_ids: tuple[int, ...] = ()
    tie_word_embeddings: bool = False
    hidden_act_key: str = "hidden_act"
    hidden_act: str = "silu"
    biases: str = "attention_bias"
    """Which attention projections have biases: those of the switch `attention_bias` (all four), `qkv` or `none`."""
    mlp_bias: bool = False
    """Whether the switch `mlp_bias` counts."""
    qk_norm: bool = False
    windows: str = "none"
    """Which layers have a sliding window: `none`, `all`, those that a switch turns on (`switched`), or a `pattern`."""
    gemma: bool = False
    """Gemma's norms, embedding scale and two rotary bases."""


FAMILIES: dict[str, Family] = {
    "llama": Family(max_position_embeddings=2048, eos_token_ids=(2,), mlp_bias=True),
    "mistral": Family(
        max_position_embeddings=131072,
        num_key_value_heads=8,
        null_key_value_heads=False,
        eos_token_ids=(2,),
        biases="none",
        windows="all",
    ),
    "qwen2": Family(max_position_embeddings=32768, num_key_value_heads=32, biases="qkv", windows="switched"),
    "qwen3": Family(
        max_position_embeddings=32768, num_key_value_heads=32, head_dim=128, qk_norm=True, windows="switched"
    ),
    "gemma3_text": Family(
        max_position_embeddings=131072,
        num_key_value_heads=4,
        null_key_value_heads=False,
        head_dim=256,
        eos_token_ids=(1,),
        tie_word_embeddings=True,
        hidden_act_key="hidden_activation",
        hidden_act="gelu_pytorch_tanh",
        qk_norm=True,
        windows="pattern",
        gemma=True,
    ),
}

MIXTURES = (
    "mixtral", "dbrx", "deepseek_v2", "deepseek_v3", "gpt_oss", "llama4", "llama4_text", "jamba", "jetmoe",
    "minimax", "kimi_k2", "hunyuan_v1_moe", "dots1", "grok-1", "nemotron_h", "switch_transformers",
)  # fmt: skip
"""Mixtures of experts whose names do not say `moe`."""
REASONS = {
    "gemma": "Gemma 1 is not among them",
    "gemma2": "Gemma 2 caps attention scores and logits by tanh (softcapping), which the decoder does not compute",
    "gemma3n": "Gemma 3n has per-layer inputs, which the decoder does not compute",
    "gemma3n_text": "Gemma 3n has per-layer inputs, which the decoder does not compute",
    "gemma3": "it holds an image part besides the language model, which the decoder does not compute; "
    "take a text-only checkpoint (gemma3_text), such as google/gemma-3-1b-it",
}


def family_of(config: Values) -> Family:
    """Returns the family that `model_type` names.

    Raises:
        UsageError: the decoder does not know it; the message says why, where that is known, and lists the families.
    """
    name = config.text("model_type", "")
    if name in FAMILIES:
        return FAMILIES[name]
    reason = REASONS.get(name, "")
    if "moe" in name.lower() or name in MIXTURES:
        reason = "it is a mixture of experts of its own (MoE), whose routed MLPs the decoder does not compute"
    elif not reason and any(config.has(key) for key in ("vision_config", "audio_config", "text_config")):
        reason = "it is a model of several media, of which the decoder computes none but text"
    named = f"models of type {name!r} are not supported" if name else "model_type is missing"
    raise UsageError(
        f"{config.where}: {named}{f': {reason}' if reason else ''}. Families that are: {', '.join(sorted(FAMILIES))}.",
        kind="model",
    )


def refuse_what_is_not_computed(config: Values, family: Family) -> None:
    """Refuses by name what would change the arithmetic of a known family.

    Raises:
        UsageError: the configuration asks for it.
    """
    if config.has("quantization_config"):
        raise config.refused("its weights are quantised (quantization_config); take the checkpoint in bfloat16.")
    if config.is_on("use_bidirectional_attention") or config.raw.get("is_causal") is False:
        raise config.refused("tokens look ahead (use_bidirectional_attention, is_causal); the decoder looks back only.")
    for key in ("attn_logit_softcapping", "final_logit_softcapping"):
        if config.has(key):
            raise config.refused(f"{key} is set; the decoder does not cap by tanh, and computes models without it.")
    for key, counts in (("attention_bias", family.biases != "none"), ("mlp_bias", family.mlp_bias)):
        if config.is_on(key) and not counts:
            raise config.refused(f"{key} is on, but this family has no such biases (nor in transformers).")
