"""Which rotary bases and scalings a model's layers have, from any of the places where `config.json` may say it.

The older spelling is `rope_scaling` beside `rope_theta` (and Gemma 3's `rope_local_base_freq`); the newer one is
`rope_parameters` with the base inside, for Gemma 3 with a part for each type of layer.
"""

from typing import NamedTuple

from semoe.models.config_values import Values
from semoe.models.families import Family
from semoe.models.rope_scaling import RopeScaling, YarnRope, read_scaling, refuse_partial_rotation
from semoe.models.windows import FULL, SLIDING

THETA = 10_000.0
"""Of a file that does not say; for Gemma 3, of its sliding layers."""
GLOBAL_THETA = 1_000_000.0
"""Of Gemma 3's other layers."""
LENGTH = "original_max_position_embeddings"


class Rotation(NamedTuple):
    """What decides how positions turn queries and keys."""

    theta: float
    scaling: RopeScaling | None


class Rotations(NamedTuple):
    """Of a model's layers."""

    full: Rotation
    sliding: Rotation | None
    """Of the sliding layers, where they have their own."""


def read_rotations(config: Values, family: Family, *, context: int, head_dim: int) -> Rotations:
    """Reads the rotations of all layers.

    Args:
        config: the whole file.
        family: whose defaults count.
        context: the model's max_position_embeddings.
        head_dim: numbers of one head.

    Raises:
        UsageError: a value lacks or is wrong, or asks for what the decoder does not compute.
    """
    refuse_partial_rotation(config)
    if family.gemma:
        return _by_layer_type(config, context, head_dim)
    # As in transformers, the older spelling comes first where both are there.
    rope = config.section("rope_scaling" if config.raw.get("rope_scaling") else "rope_parameters")
    if FULL in rope.raw or SLIDING in rope.raw:
        raise rope.refused("it has a part for each type of layer, which only gemma3_text has.")
    if LENGTH in config.raw:
        # Also as in transformers: beside the section it counts more than inside.
        rope = Values({**rope.raw, LENGTH: config.raw[LENGTH]}, rope.where)
    return Rotations(_rotation(rope, config, "rope_theta", THETA, context, head_dim), None)


def _by_layer_type(config: Values, context: int, head_dim: int) -> Rotations:
    """Gemma 3's: `rope_scaling` is that of the full layers only."""
    both = config.section("rope_parameters")
    if stray := sorted(set(both.raw) - {FULL, SLIDING}):
        raise both.refused(f"it holds {stray[0]!r} beside {FULL} and {SLIDING}; this family has a part for each.")
    own = both.section(FULL)
    full = Values({**own.raw, **config.section("rope_scaling").raw}, own.where)
    parts = (
        _rotation(full, config, "rope_theta", GLOBAL_THETA, context, head_dim),
        _rotation(both.section(SLIDING), config, "rope_local_base_freq", THETA, context, head_dim),
    )
    if any(isinstance(part.scaling, YarnRope) and not part.scaling.truncate for part in parts):
        raise both.refused("truncate is off for one type of layer, which transformers passes over in this family.")
    return Rotations(*parts)


def _rotation(rope: Values, config: Values, key: str, default: float, context: int, head_dim: int) -> Rotation:
    theta = rope.number("rope_theta") if "rope_theta" in rope.raw else config.number(key, default)
    if theta <= 1:
        raise (rope.wrong("rope_theta", "larger than 1") if "rope_theta" in rope.raw else config.wrong(key, "above 1"))
    return Rotation(theta, read_scaling(rope, context=context, head_dim=head_dim))
