"""What an `adapter_config.json` says of its tensors: which adapters mean B·A times a factor, and nothing else.

Every field is looked at. Some decide nothing here (how it was trained, how it is loaded); some are compared with the
space; the others must be at the value by which they do nothing, or the adapter is refused by that field. So is a field
that a later PEFT adds.
"""

import math
from pathlib import Path
from typing import Any

from semoe.errors import CorruptError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.files import read_json
from semoe.models.sites import PROJECTIONS, Site, weight_name
from semoe.models.weight_files import refuse_pointer
from semoe.store.targets import BadFieldError, is_meant, is_target

CONFIG = "adapter_config.json"
NEW_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Initialisations that take the adapter's first value out of the base model's weights (by how their names begin)."""
SAME_BASE = ("gaussian", "eva", "orthogonal", "mica")
"""Initialisations that leave the base model as it is, as `true` and `false` do."""
ZERO_AT_FIRST = ("gaussian", "eva", "mica")
"""Those whose product B·A begins at zero, as that of `true` does."""
SHOWN = 60
"""Characters of a value that a message repeats."""
NOT_LOOKED_AT = frozenset((
    "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "lora_dropout", "runtime_config",
    "megatron_core", "qalora_group_size", "loftq_config", "eva_config", "corda_config", "lora_ga_config",
    "fan_in_fan_out", "ensure_weight_tying",
))  # fmt: skip
"""How it was begun, trained or loaded: PEFT sets `fan_in_fan_out` right for linear layers, and ties only embeddings."""
COMPARED = frozenset((
    "peft_type", "base_model_name_or_path", "r", "lora_alpha", "target_modules", "use_rslora", "rank_pattern",
    "alpha_pattern", "init_lora_weights", "bias", "layers_to_transform", "layers_pattern", "exclude_modules",
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
    refuse_pointer(folder / CONFIG)
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
    _require_same_base(folder, config.get("init_lora_weights", True))
    if config.get("peft_type") != "LORA":
        raise _means_more(folder, "peft_type", config.get("peft_type"))
    if config.get("bias") not in (None, "none"):
        raise _means_more(folder, "bias", config["bias"])
    for field, value in config.items():
        if value and field not in NOT_LOOKED_AT | COMPARED:
            raise _means_more(folder, field, value)
    try:
        _require_number(folder, config, ("lora_rank", "r", "rank_pattern"), lora.rank, layout)
        _require_number(folder, config, ("lora_alpha", "lora_alpha", "alpha_pattern"), lora.alpha, layout)
        _require_targets(folder, config, layout)
    except BadFieldError as error:
        raise UsageError(
            f"The adapter in {folder} has {error.field} {_shown(config.get(error.field))}: {error}. Correct {CONFIG}.",
            kind="adapter-field",
        ) from error
    return math.sqrt(lora.rank) if config.get("use_rslora") else 1.0


def require(folder: Path, what: str, found: object, wanted: object) -> None:
    """Raises UsageError where a setting of an expert is not the one that is asked for."""
    if found != wanted:
        raise UsageError(
            f"The expert in {folder} was made with {what} {found}, but {wanted} is asked for. "
            "Use the settings that made it, or encode again.",
            kind="expert-mismatch",
        )


def _require_number(
    folder: Path, config: dict[str, Any], names: tuple[str, str, str], wanted: int, layout: ExpertLayout
) -> None:
    """Rank or alpha must be the wanted one at every site; a pattern says it for the modules that it is for."""
    what, field, pattern = names
    found = config.get(field)
    others = config.get(pattern) or {}
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise BadFieldError(field, "it must be a number")
    if not isinstance(others, dict):
        raise BadFieldError(pattern, "it must say a number for each of its modules")
    for site in layout.sites:
        # PEFT takes the first that is for the module.
        module = next((one for one in others if is_meant(pattern, one, weight_name(site))), None)
        if module is None:
            require(folder, what, found, wanted)
        else:
            require(folder, f"{pattern} of {module}", others[module], wanted)


def _require_targets(folder: Path, config: dict[str, Any], layout: ExpertLayout) -> None:
    everything = [Site(layer, module) for layer in range(layout.config.num_hidden_layers) for module in PROJECTIONS]
    found = {site for site in everything if is_target(config, weight_name(site))}
    initial = config.get("init_lora_weights", True)
    begins_at_zero = initial is True or str(initial).lower() in ZERO_AT_FIRST
    # A pair that is meant and has no tensors in the file stays as PEFT begins it.
    if set(layout.sites) <= found and (begins_at_zero or found <= set(layout.sites)):
        return
    limits = [f"{name} {config[name]}" for name in ("exclude_modules", "layers_to_transform") if config.get(name)]
    modules = config.get("target_modules")
    named = sorted(modules) if isinstance(modules, list) else modules
    require(folder, "target_modules", " with ".join([str(named), *limits]), sorted(layout.lora.target_modules))


def _require_same_base(folder: Path, init: Any) -> None:
    if isinstance(init, bool) or init in (None, "") or str(init).lower() in SAME_BASE:
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
    return UsageError(
        f"The adapter in {folder} has {field} {_shown(value)}, which an expert cannot "
        "express: it is B·A beside the base model's weights and nothing else. Train it without.",
        kind="adapter-field",
    )


def _shown(value: Any) -> str:
    shown = str(value)
    return f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown
