"""What an `adapter_config.json` says of its tensors: which adapters mean B·A times a factor, and nothing else.

Every field is looked at. Some decide nothing here (how it was trained, how it is loaded); some are compared with the
space; the others must be at the value by which they do nothing, or the adapter is refused by that field. So is a field
that a later PEFT adds.
"""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from semoe.errors import CorruptError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.files import read_json
from semoe.models.sites import weight_name

CONFIG = "adapter_config.json"
NEW_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that take the adapter's first value out of the base model's weights (by how their names begin)."""
SAME_BASE = ("gaussian", "eva", "orthogonal", "mica")
"""Initialisations that leave the base model as it is, as `true` and `false` do."""
NOT_LOOKED_AT = frozenset((
    "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "lora_dropout", "runtime_config",
    "megatron_core", "qalora_group_size", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
    "fan_in_fan_out", "ensure_weight_tying", "layers_pattern",
))  # fmt: skip
"""How it was begun, trained or loaded. Modules that are left out show in the tensors, which are compared one by one."""
COMPARED = frozenset((
    "peft_type", "base_model_name_or_path", "r", "lora_alpha", "target_modules", "use_rslora", "rank_pattern",
    "alpha_pattern", "init_lora_weights", "bias", "layers_to_transform", "exclude_modules",
))  # fmt: skip


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """Reads a folder's `adapter_config.json`.

    Raises:
        UsageError: there is none, or it is broken.
        CorruptError: it is no JSON object.
    """
    if not (folder / CONFIG).is_file():
        raise UsageError(
            f"{folder} holds no {CONFIG}, without which its tensors mean nothing. Copy it from where the adapter is.",
            kind="missing-expert",
        )
    value = read_json(folder / CONFIG)
    if not isinstance(value, dict):
        raise CorruptError(f"{folder / CONFIG} is not a JSON object. Encode the expert again.", kind="corrupt")
    return value


def factor_of(folder: Path, config: dict[str, Any], layout: ExpertLayout) -> float:
    """Returns what B is multiplied by, so that alpha / rank · B·A is what the adapter means.

    rsLoRA (arXiv 2312.03732) divides by the root of the rank.

    Raises:
        UsageError: another rank or target made it, or it means more than B·A; the message names the field.
    """
    lora = layout.lora
    require(folder, "lora_rank", config.get("r"), lora.rank)
    require(folder, "lora_alpha", config.get("lora_alpha"), lora.alpha)
    modules = sorted(lora.target_modules)
    require(folder, "target_modules", _modules(config, modules), modules)
    for pattern, value in (("rank_pattern", lora.rank), ("alpha_pattern", lora.alpha)):
        for module, own in (config.get(pattern) or {}).items():
            if any(_is_meant(module, weight_name(site)) for site in layout.sites):
                require(folder, f"{pattern} of {module}", own, value)
    _require_same_base(folder, config.get("init_lora_weights", True))
    layers = config.get("layers_to_transform")
    everywhere = list(range(layout.config.num_hidden_layers))
    if layers not in (None, []) and sorted(layers if isinstance(layers, list) else [layers]) != everywhere:
        raise _means_more(folder, "layers_to_transform", layers)
    for field, off in (("peft_type", "LORA"), ("bias", "none")):
        if config.get(field, off) not in (off, None):
            raise _means_more(folder, field, config[field])
    for field, value in config.items():
        if value and field not in NOT_LOOKED_AT | COMPARED:
            raise _means_more(folder, field, value)
    return math.sqrt(lora.rank) if config.get("use_rslora") else 1.0


def require(folder: Path, what: str, found: object, wanted: object) -> None:
    """Raises UsageError where a setting of an expert is not the one that is asked for."""
    if found != wanted:
        raise UsageError(
            f"The expert in {folder} was made with {what} {found}, but {wanted} is asked for. "
            "Use the settings that made it, or encode again.",
            kind="expert-mismatch",
        )


def _modules(config: dict[str, Any], wanted: list[str]) -> Any:
    """Returns the projections that are named, also by whole paths; a pattern is believed, its tensors are compared."""
    found = config.get("target_modules")
    left_out = config.get("exclude_modules") or ()
    if isinstance(found, str) or isinstance(left_out, str):
        return wanted
    return sorted(_last_parts(found) - _last_parts(left_out)) if isinstance(found, list) else found


def _is_meant(pattern: str, module: str) -> bool:
    """Whether a key of a pattern is for a module: PEFT takes it for an expression that the end of the name matches."""
    try:
        return re.fullmatch(rf"(.*\.)?({pattern})", module) is not None
    except re.error:
        return True  # Then it is compared.


def _last_parts(paths: Iterable[Any]) -> set[str]:
    return {str(path).rpartition(".")[2] for path in paths}


def _require_same_base(folder: Path, init: Any) -> None:
    if isinstance(init, bool) or init is None or str(init).lower() in SAME_BASE:
        return
    if str(init).lower().startswith(NEW_BASE):
        raise UsageError(
            f"The adapter in {folder} was begun with init_lora_weights {init!r}, which changes the base model: on the "
            "model as it is, it means something else. Convert it where it was trained: PEFT's save_pretrained(..., "
            "path_initial_model_for_weight_conversion=...); it then has twice the rank.",
            kind="adapter-field",
        )
    raise _means_more(folder, "init_lora_weights", init)


def _means_more(folder: Path, field: str, value: Any) -> UsageError:
    shown = str(value)
    return UsageError(
        f"The adapter in {folder} has {field} {shown[:60]}{'…' if len(shown) > 60 else ''}, which an expert cannot "
        "express: it is B·A beside the base model's weights and nothing else. Train it without.",
        kind="adapter-field",
    )
