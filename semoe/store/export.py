"""Experts leave the store as plain PEFT folders: one under one name or several, or several as one adapter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from semoe.errors import SemoeError, UsageError
from semoe.files import read_json, write_bytes, write_json
from semoe.models.same_model import findable
from semoe.store.adapter import CONFIG
from semoe.store.descriptions import read_description
from semoe.store.expert_store import ExpertStore
from semoe.store.merged import Merged, Way, merge
from semoe.store.peft_folder import ADAPTER, RECORD, link_expert, write_expert
from semoe.store.record import read_record
from semoe.store.whole_folder import make_folder

MERGED = "merged.json"
"""What an adapter of several experts says of itself."""


def export_expert(store: ExpertStore, key: str, folders: Sequence[Path]) -> None:
    """Writes an expert to the first folder and makes the others links to it; folders that hold it already stay.

    Raises:
        UsageError: there is no such expert, or a folder cannot be written.
        TransientError: the disk is full, or the store does not answer.
        CorruptError: the stored expert is damaged.
    """
    missing = [folder for folder in folders if not _holds(folder, key, store.names.space)]
    source = next((folder for folder in folders if folder not in missing), None)
    if source is None:
        source = missing.pop(0)
        write_expert(source, _bytes_of(store, key), _config_of(store))
    for folder in missing:
        link_expert(source, folder)


def export_merged(
    store: ExpertStore, keys: Sequence[str], weights: Sequence[float], folder: Path, *, way: Way, rank: int | None
) -> Merged:
    """Writes several experts as one PEFT folder; `merged.json` in it says which, and how.

    Args:
        store: their space.
        keys: of the experts.
        weights: one an expert.
        folder: new.
        way: see `merged`.
        rank: see `merged`.

    Raises:
        UsageError: there is no such expert, the folder cannot be written, or a rank that does not fit; see `merge`.
        TransientError: the disk is full, or the store does not answer.
        CorruptError: a stored expert is damaged.
    """
    found = {key: _bytes_of(store, key) for key in keys}
    config = _config_of(store)
    made = merge([load(found[key]) for key in keys], weights, config["lora_alpha"] / config["r"], way=way, rank=rank)
    about = {
        "merge": way, "rank": made.rank, "used_rank": made.num_used, "error": made.error, "space": store.names.space,
        "experts": [
            {"key": key, "title": read_record(found[key]).get("title", ""), "weight": weight}
            for key, weight in zip(keys, weights, strict=True)
        ],
    }  # fmt: skip

    def fill(temporary: Path) -> None:
        write_bytes(temporary / ADAPTER, save(dict(made.tensors), metadata={"format": "pt"}))
        write_json(temporary / CONFIG, config | {"r": made.rank, "lora_alpha": made.rank})
        write_json(temporary / MERGED, about)

    make_folder(folder, fill)
    return made


def _bytes_of(store: ExpertStore, key: str) -> bytes:
    data = store.get(key)
    if data is None:
        raise UsageError(f"No expert {key} in space {store.names.space}. See `semoe experts ls`.", kind="no-expert")
    return data


def _config_of(store: ExpertStore) -> dict[str, Any]:
    config = read_description(store.objects, store.names.adapter_config)
    # The space may have been made with a name that is good in one folder, or for SEMOE alone.
    return config | {"base_model_name_or_path": findable(config["base_model_name_or_path"])}


def _holds(folder: Path, key: str, space: str) -> bool:
    try:
        record = read_json(folder / RECORD)
        return bool((record["key"], record["space"]) == (key, space))
    except (SemoeError, KeyError, TypeError):
        return False
