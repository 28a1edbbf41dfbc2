"""How a model stretches its rotary positions beyond the length that it was trained on, read from `config.json`.

One record for each kind, with what its formula (`rope.py`) needs. The records enter a model's digest by their fields:
no two kinds have the same ones, and none has a default. Values that a file leaves out become what transformers takes
for them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from semoe.errors import unknown_name
from semoe.models.config_values import Values


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearRope:
    """Position interpolation (`linear`, arXiv 2306.15595): every angle is divided."""

    factor: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DynamicRope:
    """NTK-aware scaling by the sequence's own length (`dynamic`; arXiv 2309.00071, section 3.3)."""

    factor: float
    original_max_position_embeddings: int


@dataclass(frozen=True, kw_only=True, slots=True)
class YarnRope:
    """YaRN (`yarn`, arXiv 2309.00071): slow angles are divided, fast ones kept, those between mixed."""

    factor: float
    original_max_position_embeddings: int
    beta_fast: float
    beta_slow: float
    truncate: bool
    """Whether the bounds of the mixed part are rounded to whole dimensions, outwards."""
    attention_factor: float
    """What cosine and sine are multiplied by; from `factor`, `mscale` and `mscale_all_dim` where the file lacks it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LongRope:
    """LongRoPE (`longrope`, arXiv 2402.13753): a divisor of its own for each angle, for short and long sequences."""

    short_factor: tuple[float, ...]
    long_factor: tuple[float, ...]
    original_max_position_embeddings: int
    attention_factor: float
    """What cosine and sine are multiplied by; from `factor` where the file lacks it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Llama3Rope:
    """Llama 3's scaling by wavelength (`llama3`; arXiv 2407.21783, and the Llama 3.1 reference code)."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


RopeScaling = LinearRope | DynamicRope | YarnRope | LongRope | Llama3Rope


def read_scaling(rope: Values, *, context: int, head_dim: int) -> RopeScaling | None:
    """Reads the scaling of a rope section in either spelling (`rope_type` or the older `type`); None: there is none.

    Args:
        rope: `rope_scaling`, `rope_parameters`, or its part for one type of layer.
        context: the model's max_position_embeddings; stands in for original_max_position_embeddings.
        head_dim: numbers of one head, all of which are rotated.

    Raises:
        UsageError: an unknown type, a parameter that lacks or is wrong, or a rotation of a part of the head.
    """
    kind = rope.text("rope_type" if "rope_type" in rope.raw else "type", "default")
    if kind != "default" and kind not in READERS:
        raise unknown_name("rope_type", kind, ("default", *READERS))
    refuse_partial_rotation(rope)
    return None if kind == "default" else READERS[kind](rope, context, head_dim)


def refuse_partial_rotation(values: Values) -> None:
    """Raises UsageError where only a part of each head is rotated."""
    if values.has("partial_rotary_factor") and values.number("partial_rotary_factor") != 1:
        share = values.raw["partial_rotary_factor"]
        raise values.refused(f"partial_rotary_factor is {share}; the decoder rotates whole heads only (1.0).")


def _linear(rope: Values, context: int, head_dim: int) -> LinearRope:
    return LinearRope(factor=rope.number("factor"))


def _dynamic(rope: Values, context: int, head_dim: int) -> DynamicRope:
    """Its original length is max_position_embeddings, whatever else the file says, as in transformers."""
    if head_dim == 2:
        raise rope.refused("rope_type dynamic needs a head_dim of 4 or more.")
    return DynamicRope(factor=rope.number("factor"), original_max_position_embeddings=context)


def _yarn(rope: Values, context: int, head_dim: int) -> YarnRope:
    original = rope.whole("original_max_position_embeddings", context)
    # Null asks for the ratio of both lengths; transformers refuses a factor that lacks.
    by_ratio = "factor" in rope.raw and not rope.has("factor")
    factor = context / original if by_ratio else rope.number("factor")
    return YarnRope(
        factor=factor,
        original_max_position_embeddings=original,
        beta_fast=_or(rope, "beta_fast", 32.0),
        beta_slow=_or(rope, "beta_slow", 1.0),
        truncate=rope.flag("truncate", default=True),
        attention_factor=_yarn_attention(rope, factor),
    )


def _yarn_attention(rope: Values, factor: float) -> float:
    """0.1 ln(factor) + 1 (the paper's equation 22), or the ratio of two such terms with weights."""
    if rope.has("attention_factor"):
        return rope.number("attention_factor")

    def term(weight: float) -> float:
        return 0.1 * weight * math.log(factor) + 1 if factor > 1 else 1.0

    weights = [rope.number(name, zero=True) if rope.has(name) else 0.0 for name in ("mscale", "mscale_all_dim")]
    return term(weights[0]) / term(weights[1]) if all(weights) else term(1)


def _longrope(rope: Values, context: int, head_dim: int) -> LongRope:
    original = rope.whole("original_max_position_embeddings", context)
    factor = rope.number("factor") if rope.has("factor") else context / original
    if rope.has("attention_factor"):
        attention = rope.number("attention_factor")
    else:
        attention = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 and original > 1 else 1.0
    return LongRope(
        short_factor=rope.numbers("short_factor", head_dim // 2),
        long_factor=rope.numbers("long_factor", head_dim // 2),
        original_max_position_embeddings=original,
        attention_factor=attention,
    )


def _llama3(rope: Values, context: int, head_dim: int) -> Llama3Rope:
    low = rope.number("low_freq_factor")
    high = rope.number("high_freq_factor")
    if high <= low:
        raise rope.wrong("high_freq_factor", f"larger than low_freq_factor ({low})")
    return Llama3Rope(
        factor=rope.number("factor"),
        low_freq_factor=low,
        high_freq_factor=high,
        original_max_position_embeddings=rope.whole("original_max_position_embeddings", context),
    )


def _or(rope: Values, key: str, default: float) -> float:
    """A number; null and 0 mean the default."""
    return rope.number(key) if rope.raw.get(key) else default


READERS: dict[str, Callable[[Values, int, int], RopeScaling]] = {
    "linear": _linear, "dynamic": _dynamic, "yarn": _yarn, "longrope": _longrope, "llama3": _llama3,
}  # fmt: skip
"""By rope_type; each takes the section, the model's max_position_embeddings and its head_dim."""
