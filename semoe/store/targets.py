"""Which modules an `adapter_config.json` is for, by the rules of PEFT 0.21.

PEFT gives every module that is meant a pair, and passes over tensors of the others without a word.
"""

import re
from collections.abc import Mapping
from typing import Any

ALL = "all-linear"
_LAYER = re.compile(r".*?\.[^.]*\.(\d+)\.")
"""The first number behind two names, as in `model.layers.3.mlp`."""


class BadFieldError(ValueError):
    """A field is not what it should be."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


def is_target(config: Mapping[str, Any], module: str) -> bool:
    """Says whether a linear module of the decoder gets a pair A, B.

    Args:
        config: `adapter_config.json`.
        module: its whole path in the base model.

    Raises:
        BadFieldError: a field cannot be read.
    """
    layers = _layers(config)
    if (left_out := config.get("exclude_modules")) and _is_named("exclude_modules", left_out, module):
        return False
    target = config.get("target_modules")
    if isinstance(target, str) and target.lower() == ALL:
        return True
    return _is_named("target_modules", target, module) and (not layers or _layer(module) in layers)


def is_meant(field: str, pattern: str, module: str) -> bool:
    """Says whether a key of `rank_pattern` or `alpha_pattern` is for a module: the end of its path matches.

    Raises:
        BadFieldError: it is no regular expression.
    """
    return _matches(field, rf"(.*\.)?({pattern})", module)


def _is_named(field: str, value: Any, module: str) -> bool:
    """A text is a pattern of whole paths; in a list stand whole paths, or what follows a dot at their end."""
    if isinstance(value, str):
        return _matches(field, value, module)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadFieldError(field, "it must be a list of names, or a pattern")
    return any(module == one or module.endswith(f".{one}") for one in value)


def _matches(field: str, pattern: str, module: str) -> bool:
    try:
        return re.fullmatch(pattern, module) is not None
    except re.error as error:
        raise BadFieldError(field, f"it holds no regular expression ({error})") from error


def _layers(config: Mapping[str, Any]) -> list[int]:
    """Returns the layers that are meant; none: all."""
    given = config.get("layers_to_transform")
    layers = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in layers):
        raise BadFieldError("layers_to_transform", "it must be a list of whole numbers")
    if given is not None and isinstance(config.get("target_modules"), str):
        raise BadFieldError("layers_to_transform", "it goes with a list of target_modules alone")
    if config.get("layers_pattern") not in (None, "", [], "layers", ["layers"]):
        raise BadFieldError("layers_pattern", "the decoder's layers are called `layers`")
    return layers


def _layer(module: str) -> int | None:
    found = _LAYER.match(module)
    return int(found[1]) if found else None
