"""Experts as the published `offline/…` tree has them: a PEFT folder for every passage of every question.

A passage without anything to learn has no expert. The published code asks for its folder all the same, and by itself
writes one that has learnt nothing there (B = 0): so does this, in the exported tree alone. Nothing of ours takes such a
folder for an expert.

An adapter in the tree that SEMOE did not write, which has no record of ours beside it, may be the only one that there
is: it stays.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from semoe.files import read_json, write_bytes, write_json
from semoe.models.same_model import findable
from semoe.store.adapter import CONFIG
from semoe.store.descriptions import read_description
from semoe.store.expert_store import ExpertStore
from semoe.store.export import export_expert
from semoe.store.objects import MissingObjectError
from semoe.store.peft_folder import ADAPTER, RECORD, link_expert
from semoe.store.whole_folder import make_folder
from semoe.telemetry.progress import progress
from semoe.words import counted

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportedTree:
    """What was written, or was there already."""

    num_experts: int
    num_folders: int
    """Of experts: one has a folder for each question that found its passage."""
    num_idle_folders: int
    """Of passages that have no expert."""


def export_tree(store: ExpertStore, names: Mapping[str, Sequence[Path]]) -> ExportedTree:
    """Writes each expert to its published folders, and what changes nothing to those of passages without an expert.

    Args:
        store: of the experts' space.
        names: the folders of each passage, by its key.

    Raises:
        UsageError: a folder cannot be written.
        TransientError: the disk is full, or the store does not answer.
        CorruptError: a stored expert is damaged.
    """
    free = {key: [folder for folder in folders if not _is_foreign(folder)] for key, folders in names.items()}
    _tell_of_foreign(folder for folders in names.values() for folder in folders if _is_foreign(folder))
    there = {key: folders for key, folders in free.items() if key in store and folders}
    with progress("export", len(there), "experts") as advance:
        for key, folders in there.items():
            export_expert(store, key, folders)
            advance()
    idle = [folder for key, folders in free.items() if key not in store for folder in folders]
    return ExportedTree(
        num_experts=len(there),
        num_folders=sum(map(len, there.values())),
        num_idle_folders=_export_idle(store, idle),
    )


def _is_foreign(folder: Path) -> bool:
    return (folder / ADAPTER).exists() and not (folder / RECORD).exists()


def _tell_of_foreign(folders: Iterable[Path]) -> None:
    found = list(folders)
    if found:
        log.warning(
            "Adapters that SEMOE did not write stay as they are, in %s such as %s. Export to another --root_dir, or "
            "move them away.",
            counted(len(found), "folder"),
            found[0],
        )


def _export_idle(store: ExpertStore, folders: Sequence[Path]) -> int:
    """Writes what changes nothing to the first folder, and links the others to it."""
    record = {"space": store.names.space, "idle": True}
    missing = [folder for folder in folders if not _says(folder, record)]
    if not missing:
        return len(folders)
    try:
        adapter = _without_effect(store.objects.get(store.names.base_weight))
        config = read_description(store.objects, store.names.adapter_config)
    except MissingObjectError:
        return 0  # a space of an early version, which kept no such weight

    base = {"base_model_name_or_path": findable(config["base_model_name_or_path"])}

    def fill(temporary: Path) -> None:
        write_bytes(temporary / ADAPTER, adapter)
        write_json(temporary / CONFIG, config | base)
        # No expert's record: an expert that is trained later takes the folder's place.
        write_json(temporary / RECORD, record)

    make_folder(missing[0], fill)
    for folder in missing[1:]:
        link_expert(missing[0], folder)
    return len(folders)


def _without_effect(adapter: bytes) -> bytes:
    """Returns the weight that every expert starts from with B = 0, which a base weight that was given need not have."""
    tensors = load(adapter)
    nothing = {name: tensor.zero_() if ".lora_B." in name else tensor for name, tensor in tensors.items()}
    return save(nothing, metadata={"format": "pt"})


def _says(folder: Path, record: Mapping[str, Any]) -> bool:
    return (folder / RECORD).exists() and read_json(folder / RECORD) == record
