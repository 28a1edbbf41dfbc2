"""The shape of a decoder, read from a Hugging Face `config.json`.

Knows the families Llama, Qwen2/2.5, Qwen3 and Mistral, and refuses what the decoder does not compute.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semoe.errors import UsageError, unknown_name
from semoe.files import read_json
from semoe.models.quantisation import quantisation_of

MAX_POSITIONS = 2048
"""Of a model that does not say."""
FAMILIES = ("llama", "qwen2", "qwen3", "mistral")


@dataclass(frozen=True, kw_only=True, slots=True)
class RopeScaling:
    """Llama 3's frequency scaling (`rope_type: llama3`)."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Everything that decides the decoder's arithmetic; the names are Hugging Face's."""

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    max_position_embeddings: int
    """Tokens of the longest context."""
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    rope_scaling: RopeScaling | None = None
    attention_bias: bool = False
    """Biases on q, k and v (Qwen2) or on q, k, v and o (a Llama with `attention_bias`)."""
    output_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    """RMSNorm on each head of q and k (Qwen3)."""
    tie_word_embeddings: bool = False
    eos_token_ids: tuple[int, ...] = ()


def read_config(folder: Path) -> ModelConfig:
    """Reads `config.json` (and `generation_config.json`, for its end tokens) of a model folder.

    Raises:
        UsageError: the file is missing or broken, or asks for something that the decoder does not compute.
    """
    raw = read_json(folder / "config.json")
    quantisation_of(raw)  # Refused before gigabytes are read.
    generation = folder / "generation_config.json"
    ends = read_json(generation).get("eos_token_id") if generation.exists() else None
    return parse_config(raw | ({"eos_token_id": ends} if ends is not None else {}))


def parse_config(raw: dict[str, Any]) -> ModelConfig:
    """Builds the configuration from the parsed JSON."""
    family = raw.get("model_type", "")
    if family not in FAMILIES:
        raise unknown_name("model family", str(family), FAMILIES)
    _refuse_unsupported(raw)
    heads = raw["num_attention_heads"]
    rope = raw.get("rope_parameters") or raw.get("rope_scaling") or {}
    llama_bias = bool(raw.get("attention_bias", False))
    return ModelConfig(
        model_type=family,
        vocab_size=raw["vocab_size"],
        hidden_size=raw["hidden_size"],
        intermediate_size=raw["intermediate_size"],
        num_hidden_layers=raw["num_hidden_layers"],
        max_position_embeddings=raw.get("max_position_embeddings") or MAX_POSITIONS,
        num_attention_heads=heads,
        num_key_value_heads=raw.get("num_key_value_heads") or heads,
        head_dim=raw.get("head_dim") or raw["hidden_size"] // heads,
        rms_norm_eps=float(raw.get("rms_norm_eps", 1e-6)),
        rope_theta=float(rope.get("rope_theta") or raw.get("rope_theta") or 10000.0),
        rope_scaling=_rope_scaling(rope),
        attention_bias=family == "qwen2" or llama_bias,
        output_bias=family != "qwen2" and llama_bias,
        mlp_bias=bool(raw.get("mlp_bias", False)),
        qk_norm=family == "qwen3",
        tie_word_embeddings=bool(raw.get("tie_word_embeddings", False)),
        eos_token_ids=_as_ids(raw.get("eos_token_id")),
    )


def _rope_scaling(rope: dict[str, Any]) -> RopeScaling | None:
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind == "default":
        return None
    if kind != "llama3":
        raise unknown_name("rope_type", kind, ("default", "llama3"))
    return RopeScaling(
        factor=float(rope["factor"]),
        low_freq_factor=float(rope["low_freq_factor"]),
        high_freq_factor=float(rope["high_freq_factor"]),
        original_max_position_embeddings=rope["original_max_position_embeddings"],
    )


def _refuse_unsupported(raw: dict[str, Any]) -> None:
    if raw.get("hidden_act", "silu") != "silu":
        raise UsageError(f"hidden_act {raw['hidden_act']!r} is not supported; the decoder computes silu.", kind="model")
    if raw.get("use_sliding_window") or (raw["model_type"] == "mistral" and raw.get("sliding_window")):
        raise UsageError(
            "This model attends through a sliding window, which the decoder does not compute. "
            "Set sliding_window to null in config.json if your prompts are shorter than the window.",
            kind="model",
        )


def _as_ids(value: int | list[int] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
