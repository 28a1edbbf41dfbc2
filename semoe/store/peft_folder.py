"""One expert as a plain PEFT folder: written whole or not at all, and checked before it is trusted.

Reading never takes another rank, model or space for the one asked for, and refuses an expert whose B is zero: it
would load in silence and do nothing.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.experts.layout import ExpertLayout
from semoe.files import read_json, write_bytes, write_json
from semoe.models.same_model import findable, same_model
from semoe.models.weight_files import refuse_pointer
from semoe.store.adapter import CONFIG, factor_of, read_adapter_config, require
from semoe.store.record import read_record
from semoe.store.whole_folder import make_folder

ADAPTER = "adapter_model.safetensors"
RECORD = "expert.json"
log = logging.getLogger(__name__)


def write_expert(folder: Path, data: bytes, config: dict[str, Any]) -> None:
    """Writes an expert that `PeftModel.from_pretrained` loads.

    Args:
        folder: where; an expert that is there is replaced.
        data: the expert as the store keeps it (`blob.to_bytes`).
        config: PEFT's configuration (`adapter_config`).

    Raises:
        UsageError: the folder cannot be written.
        TransientError: the disk is full.
        CorruptError: the bytes are no expert.
    """
    record = read_record(data)

    def fill(temporary: Path) -> None:
        write_bytes(temporary / ADAPTER, data)
        write_json(temporary / CONFIG, config)
        write_json(temporary / RECORD, record)

    make_folder(folder, fill)


def link_expert(source: Path, target: Path) -> None:
    """Makes `target` another name of the expert in `source`: hard links, or copies where links cannot be made.

    Raises:
        UsageError: `source` holds no expert, or `target` cannot be written.
        TransientError: the disk is full.
    """
    _check_present(source)

    def fill(temporary: Path) -> None:
        # An expert that PEFT itself or the published project made has no record.
        for name in (ADAPTER, CONFIG, *([RECORD] if (source / RECORD).exists() else [])):
            try:
                (temporary / name).hardlink_to(source / name)
            except OSError:
                shutil.copyfile(source / name, temporary / name)

    make_folder(target, fill)


def read_expert(folder: Path, layout: ExpertLayout, *, base_model: str, space: str | None = None) -> Tensor:
    """Reads an expert as its flat vector, [N] float32.

    Raises:
        UsageError: the expert is missing, or another rank, model or space made it.
        CorruptError: its tensors are not what they should be, or have no effect.
    """
    _check_present(folder)
    if space is not None and (folder / RECORD).exists():
        require(folder, "expert space", space_of(folder), space)
    flat_N = read_adapter(folder, layout, base_model=base_model)
    try:
        check_numbers(layout, flat_N)
    except CorruptError as error:
        raise CorruptError(f"{folder}: {error}", kind=error.kind) from error
    return flat_N


def read_adapter(folder: Path, layout: ExpertLayout, *, base_model: str) -> Tensor:
    """Reads an adapter as a flat vector, [N] float32, whatever its numbers are.

    Raises:
        UsageError: it is missing, or another rank, alpha, target or model made it.
        CorruptError: its tensors are not those of the layout, or the file is damaged.
    """
    _check_present(folder)
    config = read_adapter_config(folder)
    factor = factor_of(folder, config, layout)
    _check_base(folder, config.get("base_model_name_or_path"), base_model)
    try:
        flat_N = layout.join(_tensors(folder))
    except SafetensorError as error:
        raise CorruptError(f"{folder / ADAPTER} is damaged ({error}). Encode it again.", kind="corrupt") from error
    except CorruptError as error:
        raise CorruptError(f"{folder}: {error}", kind=error.kind) from error
    for site in layout.sites if factor != 1 else ():
        layout.pair(flat_N[None], site)[1].mul_(factor)
    return flat_N


def space_of(folder: Path) -> str | None:
    """Returns the space that an expert says it is of; None where it says nothing.

    Raises:
        UsageError: its record is broken.
        CorruptError: its record is no JSON object.
    """
    path = folder / RECORD
    record = read_json(path) if path.exists() else {}
    if not isinstance(record, dict):
        raise CorruptError(f"{path} is not a JSON object. Encode the expert again.", kind="corrupt")
    found: str | None = record.get("space")
    return found


def adapter_config(layout: ExpertLayout, base_model: str) -> dict[str, Any]:
    """Returns PEFT's `adapter_config.json`, whose base `AutoPeftModel` finds."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": findable(base_model),
        "r": layout.lora.rank,
        "lora_alpha": layout.lora.alpha,
        "target_modules": sorted(layout.lora.target_modules),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
    }


def _check_present(folder: Path) -> None:
    if not (folder / ADAPTER).is_file():
        pickled = " Its adapter_model.bin is pickled and never loaded: save it as safetensors with PEFT."
        more = pickled if (folder / "adapter_model.bin").exists() else " Run `semoe encode`."
        raise UsageError(f"{folder} holds no {ADAPTER}.{more}", kind="missing-expert")
    refuse_pointer(folder / ADAPTER)


def _check_base(folder: Path, found: Any, base_model: str) -> None:
    """An adapter may name no base; then its tensors' shapes are all that tells whose it is."""
    if found in (None, ""):
        log.warning("the adapter in %s names no base model; it is taken for one of %s", folder, base_model)
    elif not same_model(str(found), base_model):
        require(folder, "base model", found, base_model)


def _tensors(folder: Path) -> dict[str, Tensor]:
    tensors = load_file(folder / ADAPTER)
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.element_size() == 1:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CorruptError(f"Tensor {name} is stored as {kind}, which is no plain weight.", kind="expert-dtype")
    return tensors


def check_numbers(layout: ExpertLayout, flat_N: Tensor) -> None:
    """Makes sure that an expert's numbers can be used.

    Raises:
        CorruptError: some are not finite, or all of B or of A is zero, so that it would load in silence and do nothing.
    """
    # A sum is finite where all are, unless they are huge: one pass in place of three.
    if not bool(torch.isfinite(flat_N.sum())) and not bool(torch.isfinite(flat_N).all()):
        raise CorruptError("It holds values that are not finite. Encode it again.", kind="corrupt")
    for part, name in ((1, "B"), (0, "A")):
        if not any(bool(layout.pair(flat_N[None], site)[part].any()) for site in layout.sites):
            raise CorruptError(
                f"It has {name} = 0 everywhere, so it changes nothing. Encode it again.", kind="no-effect"
            )
