"""Base weights that were given: the adapters that experts start from in place of the random one.

They lie in the store under a hash of what they hold, so that every worker finds the same numbers there, and a space
that is named after the key never mixes two of them.

base_weights/{key}.safetensors   the numbers under PEFT's tensor names, float32, and the alpha that they are meant with
base_weights/{key}.json          of which model, and where they came from
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import torch
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.experts.base_weight import base_weight, is_key
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import Preset
from semoe.experts.settings import TrainingSettings
from semoe.models.config import read_config
from semoe.models.names import resolve_model
from semoe.models.same_model import same_model
from semoe.store.blob import from_bytes, tensor_file
from semoe.store.digest import digest
from semoe.store.objects import MissingObjectError, Objects
from semoe.store.peft_folder import read_adapter

PREFIX = "base_weights/"
FORMAT, VERSION = "semoe-base-weight", 1
_WITHOUT_USE = "It was not taken as a base weight."


def settled(preset: Preset, model_name: str, objects: Objects) -> Preset:
    """Returns a preset whose base weight is one of a store, by its whole key; a PEFT folder is taken into the store.

    Args:
        preset: as the user gave it: with a key, the beginning of one, a folder, or nothing.
        model_name: of the base model.
        objects: the store.

    Raises:
        UsageError: neither folder nor key, or a weight of another model, rank, alpha or target.
        CorruptError: it is damaged.
    """
    given = preset.training.base_weight
    if not given:
        return preset
    layout = ExpertLayout(read_config(resolve_model(model_name)), preset.lora)
    folder = Path(given).expanduser()
    key = _taken_in(folder, layout, model_name, objects) if folder.is_dir() else _found(given, objects)
    _require_same_model(key, model_name, objects)
    starting_weight(objects, layout, replace(preset.training, base_weight=key))
    return replace(preset, training=replace(preset.training, base_weight=key))


def add_base_weight(
    objects: Objects, layout: ExpertLayout, flat_N: Tensor, *, base_model: str, about: Mapping[str, Any]
) -> str:
    """Keeps a base weight, [N], and returns its key; the same numbers have the same key.

    Args:
        objects: the store.
        layout: of the weight.
        flat_N: its numbers.
        base_model: whose it is.
        about: where it came from, for people.

    Raises:
        UsageError: nothing could be learnt from these numbers, or the store cannot be written.
        TransientError: the store does not answer.
    """
    if not bool(torch.isfinite(flat_N).all()):
        raise UsageError(f"It holds values that are not finite. {_WITHOUT_USE}", kind="bad-base-weight")
    if not bool(flat_N.any()):
        raise UsageError(
            f"All of it is 0: no gradient would ever leave A = 0 and B = 0. {_WITHOUT_USE}", kind="bad-base-weight"
        )
    data = tensor_file(layout, flat_N, {"lora_alpha": str(layout.lora.alpha)})
    key = digest(data).hex()[:32]
    described = {"format": FORMAT, "version": VERSION, "base_model": base_model, "time": time.time(), **about}
    objects.create(f"{PREFIX}{key}.json", orjson.dumps(described, option=orjson.OPT_INDENT_2))
    objects.create(f"{PREFIX}{key}.safetensors", data)
    return key


def base_weight_file(objects: Objects, key: str) -> bytes:
    """Returns a base weight as it is kept, its bytes checked against its key.

    Raises:
        UsageError: the store has none of this key.
        CorruptError: it is damaged.
    """
    try:
        data = objects.get(f"{PREFIX}{key}.safetensors")
    except MissingObjectError as error:
        raise _unknown(key, objects) from error
    if digest(data).hex()[:32] != key:
        raise CorruptError(
            f"{objects.url}/{PREFIX}{key}.safetensors is damaged: its bytes are not those of its name. Copy it anew, "
            "or delete it and give the folder again.",
            kind="corrupt",
        )
    return data


def starting_weight(objects: Objects, layout: ExpertLayout, training: TrainingSettings) -> Tensor:
    """Returns what every expert of a recipe starts from, [N]: the weight that was given, or the random one.

    Raises:
        UsageError: the store has no such weight, or another rank, alpha, model or target made it.
        CorruptError: it is damaged.
    """
    if not training.base_weight:
        return base_weight(layout, training.seed)
    data = base_weight_file(objects, training.base_weight)
    try:
        flat_N = from_bytes(layout, data)
    except CorruptError as error:
        raise UsageError(f"Base weight {training.base_weight} does not fit: {error}", kind="other-layout") from error
    # The alpha stands in the file, so the key says it, too.
    if data != tensor_file(layout, flat_N, {"lora_alpha": str(layout.lora.alpha)}):
        raise UsageError(
            f"Base weight {training.base_weight} was made with another lora_alpha than {layout.lora.alpha}. Give the "
            "--lora_alpha that it had: by another one its numbers mean something else.",
            kind="other-layout",
        )
    return flat_N


def _taken_in(folder: Path, layout: ExpertLayout, model_name: str, objects: Objects) -> str:
    try:
        flat_N = read_adapter(folder, layout, base_model=model_name)
    except CorruptError as error:
        if error.kind in ("expert-keys", "expert-shape"):
            raise UsageError(f"{error} It does not fit as a base weight.", kind="other-layout") from error
        raise
    try:
        return add_base_weight(objects, layout, flat_N, base_model=model_name, about={"folder": str(folder.resolve())})
    except UsageError as error:
        raise UsageError(f"{folder}: {error}", kind=error.kind) from error


def _found(given: str, objects: Objects) -> str:
    """Returns the whole key that a text is the beginning of."""
    there = [key for key in _keys(objects) if key.startswith(given)]
    if len(there) == 1:
        return there[0]
    if there:
        raise UsageError(
            f"{given} is the beginning of several base weights in {objects.url}: {', '.join(there)}. Give more of it.",
            kind="unknown-name",
        )
    raise _unknown(given, objects)


def _unknown(given: str, objects: Objects) -> UsageError:
    there = ", ".join(_keys(objects)) or "none"
    return UsageError(
        f"Base weight {given} is no folder here and no key in {objects.url}, which has: {there}. Give a PEFT folder, "
        "or the key that `semoe warmup` printed.",
        kind="unknown-name",
    )


def _keys(objects: Objects) -> list[str]:
    names = (one.name.removeprefix(PREFIX).partition(".safetensors") for one in objects.list(PREFIX))
    return [name for name, ending, rest in names if is_key(name) and ending and not rest]


def _require_same_model(key: str, model_name: str, objects: Objects) -> None:
    """A weight of another model may have the same shapes."""
    try:
        found = orjson.loads(objects.get(f"{PREFIX}{key}.json")).get("base_model")
    except (MissingObjectError, ValueError, AttributeError):
        return  # it is for people; the numbers are there
    if found and not same_model(str(found), model_name):
        raise UsageError(
            f"Base weight {key} is of {found}, but {model_name} is asked for. Give one of that model.",
            kind="other-model",
        )
