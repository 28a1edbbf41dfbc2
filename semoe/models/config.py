"""The shape of a decoder, read from a Hugging Face `config.json`.

Knows the families Llama, Qwen2/2.5, Qwen3, Mistral and Gemma 3 (text), and refuses what the decoder does not compute.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.files import read_json
from semoe.models.config_values import Values
from semoe.models.families import Family, family_of, refuse_what_is_not_computed
from semoe.models.quantisation import quantisation_of
from semoe.models.rope_config import read_rotations
from semoe.models.rope_scaling import DynamicRope, LongRope, RopeScaling, YarnRope
from semoe.models.weight_files import refuse_pointer
from semoe.models.windows import read_windows

ACTIVATIONS = {"silu": "silu", "swish": "silu", "gelu_pytorch_tanh": "gelu_pytorch_tanh"}
"""What the decoder computes, under each of its names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelConfig:
    """Everything that decides the decoder's arithmetic; the names are Hugging Face's where there is one.

    It enters the model's digest without what is at its default: a field added later leaves known models as they are.
    """

    model_type: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    max_position_embeddings: int
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
    """RMSNorm on each head of q and k (Qwen3, Gemma 3)."""
    tie_word_embeddings: bool = False
    eos_token_ids: tuple[int, ...] = ()
    hidden_act: str = "silu"
    """Of the gate: one of the values of ACTIVATIONS."""
    sliding_window: int | None = None
    """Tokens that a query of a sliding layer sees, itself included."""
    sliding_layers: tuple[int, ...] = ()
    sliding_rope_theta: float | None = None
    """Rotary base of the sliding layers, where they have their own (Gemma 3)."""
    sliding_rope_scaling: RopeScaling | None = None
    """Their scaling; counts only beside `sliding_rope_theta`."""
    query_pre_attn_scalar: float | None = None
    """Scores are divided by its square root; None: by that of `head_dim`."""
    unit_offset_norm: bool = False
    """Norms multiply by 1 + weight, in float32 (Gemma)."""
    sandwich_norm: bool = False
    """What attention and MLP give is normalised too, before it is added (Gemma 3)."""
    scaled_embedding: bool = False
    """Embeddings are multiplied by √hidden_size (Gemma)."""

    @property
    def rotates_by_length(self) -> bool:
        """Whether the angles of a position depend on how long its sequence is."""
        scalings = (self.rope_scaling, self.sliding_rope_scaling)
        return any(isinstance(scaling, DynamicRope | LongRope) for scaling in scalings)

    def window(self, layer: int) -> int | None:
        """Returns how many tokens a query of this layer sees; None: all before it."""
        return self.sliding_window if layer in self.sliding_layers else None

    @property
    def context(self) -> int:
        """Tokens of the longest context.

        That is max_position_embeddings, but for scalings that state the length they stretch: theirs times the factor.
        """
        stretched = 0
        if isinstance(self.rope_scaling, DynamicRope | YarnRope):
            stretched = int(self.rope_scaling.factor * self.rope_scaling.original_max_position_embeddings)
        return max(self.max_position_embeddings, stretched)

    @property
    def attention_scale(self) -> float | None:
        """What scores are multiplied by; None: 1/√head_dim."""
        return None if self.query_pre_attn_scalar is None else self.query_pre_attn_scalar**-0.5


def read_config(folder: Path) -> ModelConfig:
    """Reads `config.json` (and `generation_config.json`, for its end tokens) of a model folder.

    Raises:
        UsageError: the file is missing or broken, or asks for something that the decoder does not compute.
    """
    raw = _read_object(folder / "config.json")
    quantisation_of(raw)  # Refused before gigabytes are read.
    generation = folder / "generation_config.json"
    ends = _read_object(generation).get("eos_token_id") if generation.exists() else None
    return parse_config(raw | ({"eos_token_id": ends} if ends is not None else {}), str(folder / "config.json"))


def parse_config(raw: dict[str, Any], where: str = "config.json") -> ModelConfig:
    """Builds the configuration from the parsed JSON.

    Args:
        raw: the object of `config.json`.
        where: what errors call it.

    Raises:
        UsageError: a key lacks or is wrong, or asks for something that the decoder does not compute.
    """
    config = Values(raw, where)
    family = family_of(config)
    refuse_what_is_not_computed(config, family)
    layers = config.whole("num_hidden_layers")
    windows = read_windows(config, family, layers)
    context = config.whole("max_position_embeddings", family.max_position_embeddings)
    head_dim = _head_dim(config, family)
    rotations = read_rotations(config, family, context=context, head_dim=head_dim)
    switched_bias = family.biases == "attention_bias" and config.flag("attention_bias", default=False)
    own_rotation = rotations.sliding if windows.sliding_layers else None
    return ModelConfig(
        model_type=raw["model_type"],
        vocab_size=config.whole("vocab_size"),
        hidden_size=config.whole("hidden_size"),
        intermediate_size=config.whole("intermediate_size"),
        num_hidden_layers=layers,
        max_position_embeddings=context,
        num_attention_heads=config.whole("num_attention_heads"),
        num_key_value_heads=_key_value_heads(config, family),
        head_dim=head_dim,
        rms_norm_eps=config.number("rms_norm_eps", 1e-6, zero=True),
        rope_theta=rotations.full.theta,
        rope_scaling=rotations.full.scaling,
        attention_bias=family.biases == "qkv" or switched_bias,
        output_bias=switched_bias,
        mlp_bias=family.mlp_bias and config.flag("mlp_bias", default=False),
        qk_norm=family.qk_norm,
        tie_word_embeddings=config.flag("tie_word_embeddings", family.tie_word_embeddings),
        eos_token_ids=_end_tokens(config),
        hidden_act=_activation(config, family),
        sliding_window=windows.sliding_window,
        sliding_layers=windows.sliding_layers,
        sliding_rope_theta=own_rotation.theta if own_rotation else None,
        sliding_rope_scaling=own_rotation.scaling if own_rotation else None,
        query_pre_attn_scalar=config.number("query_pre_attn_scalar", 256) if family.gemma else None,
        unit_offset_norm=family.gemma,
        sandwich_norm=family.gemma,
        scaled_embedding=family.gemma,
    )


def _read_object(path: Path) -> dict[str, Any]:
    refuse_pointer(path)
    found = read_json(path)
    if not isinstance(found, dict):
        raise UsageError(f"{path} must hold a JSON object. Download it again.", kind="model")
    return found


def _head_dim(config: Values, family: Family) -> int:
    hidden = config.whole("hidden_size")
    heads = config.whole("num_attention_heads")
    derived = family.head_dim is None and not config.has("head_dim")
    if derived and hidden % heads:
        raise config.wrong("hidden_size", f"a multiple of num_attention_heads ({heads}), as head_dim is not given")
    size = hidden // heads if derived else config.whole("head_dim", family.head_dim)
    if size % 2:
        raise config.refused(f"head_dim is {size}, and rotary positions turn pairs of numbers: it must be even.")
    return size


def _key_value_heads(config: Values, family: Family) -> int:
    heads = config.whole("num_attention_heads")
    null = "num_key_value_heads" in config.raw and not config.has("num_key_value_heads")
    same = null and family.null_key_value_heads
    groups = heads if same else config.whole("num_key_value_heads", family.num_key_value_heads or heads)
    if heads % groups:
        raise config.refused(
            f"num_attention_heads ({heads}) must be a multiple of num_key_value_heads ({groups}"
            f"{'' if config.has('num_key_value_heads') else ', the default of this family'})."
        )
    return groups


def _activation(config: Values, family: Family) -> str:
    name = config.text(family.hidden_act_key, family.hidden_act)
    if name not in ACTIVATIONS:
        raise config.refused(f"{family.hidden_act_key} {name!r} is not supported; known: {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]


def _end_tokens(config: Values) -> tuple[int, ...]:
    """The end tokens that the file names: a default of the family would be a common word in another tokenizer."""
    value = config.raw.get("eos_token_id")
    ids = value if isinstance(value, list) else [] if value is None else [value]
    if any(isinstance(one, bool) or not isinstance(one, int) or one < 0 for one in ids):
        raise config.wrong("eos_token_id", "a token's number, a list of such, or null")
    return tuple(ids)
