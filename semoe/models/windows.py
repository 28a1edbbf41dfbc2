"""Which layers see all earlier tokens and which only the nearest ones, read from `config.json`.

Families say it in three ways: one number for all layers (Mistral), a switch and a first layer (Qwen2 and 3), or a
pattern (Gemma 3). A list `layer_types` says it outright where the family reads it.
"""

from typing import NamedTuple

from semoe.models.config_values import Values
from semoe.models.families import Family

FULL = "full_attention"
SLIDING = "sliding_attention"
WINDOW = 4096
"""Of a family with windows whose file does not say."""
FIRST_WINDOWED = 28
"""Qwen's max_window_layers where the file does not say."""
PATTERN = 6
"""Gemma 3's: every sixth layer sees everything."""


class Windows(NamedTuple):
    """The sliding layers and their window."""

    sliding_window: int | None
    """Tokens that a query sees, itself included; None where no layer slides."""
    sliding_layers: tuple[int, ...]


def read_windows(config: Values, family: Family, num_layers: int) -> Windows:
    """Reads which layers slide.

    Raises:
        UsageError: a value is wrong, a layer is of another type, or the keys contradict each other.
    """
    asked = _listed_layers(config, num_layers)
    if family.windows == "none":
        _refuse_stray_window(config, asked)
        return Windows(None, ())
    window = _window(config, family)
    layers = _layers(config, family, num_layers, window)
    if asked is not None and family.windows == "all" and asked != layers:
        raise config.refused("layer_types differs from sliding_window, which in this family holds for every layer.")
    layers = layers if asked is None else asked
    if layers and window is None:
        raise config.refused(f"some layers are {SLIDING}, but no sliding_window is switched on.")
    return Windows(window if layers else None, layers)


def _window(config: Values, family: Family) -> int | None:
    if family.windows == "switched" and not config.flag("use_sliding_window", default=False):
        return None
    if "sliding_window" in config.raw and not config.has("sliding_window"):
        return None
    return config.whole("sliding_window", WINDOW)


def _layers(config: Values, family: Family, num_layers: int, window: int | None) -> tuple[int, ...]:
    """What the family's own rule says, without `layer_types`."""
    if family.windows == "pattern":
        pattern = config.whole("sliding_window_pattern", PATTERN)
        return tuple(layer for layer in range(num_layers) if (layer + 1) % pattern)
    if window is None:
        return ()
    first = 0 if family.windows == "all" else _count(config, "max_window_layers", FIRST_WINDOWED)
    return tuple(range(first, num_layers))


def _listed_layers(config: Values, num_layers: int) -> tuple[int, ...] | None:
    """Returns the sliding layers of `layer_types`, or None where the file has no such list."""
    if not config.has("layer_types"):
        return None
    types = config.raw["layer_types"]
    if not isinstance(types, list) or len(types) != num_layers:
        raise config.wrong("layer_types", f"a list of num_hidden_layers ({num_layers}) names")
    for other in types:
        if other not in (FULL, SLIDING):
            raise config.refused(f"layer_types holds {other!r}; the decoder computes {FULL} and {SLIDING}.")
    return tuple(layer for layer, one in enumerate(types) if one == SLIDING)


def _refuse_stray_window(config: Values, asked: tuple[int, ...] | None) -> None:
    """In a family without windows, transformers passes over one in its forward pass and obeys it in its cache."""
    switched_off = config.raw.get("use_sliding_window") is False
    if asked or (config.has("sliding_window") and not switched_off):
        raise config.refused(
            "it asks for a sliding window, which this family does not have. Set sliding_window to null if it is a "
            "remnant of another model."
        )


def _count(config: Values, key: str, default: int) -> int:
    """A whole number that may be 0."""
    return 0 if config.raw.get(key) == 0 and config.raw[key] is not False else config.whole(key, default)
