"""Experts leave the store as plain PEFT folders, under one name or several."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from semoe.errors import SemoeError, UsageError
from semoe.files import read_json
from semoe.models.same_model import findable
from semoe.store.expert_store import ExpertStore
from semoe.store.peft_folder import RECORD, link_expert, write_expert


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
        data = store.get(key)
        if data is None:
            raise UsageError(f"No expert {key} in space {store.names.space}. See `semoe experts ls`.", kind="no-expert")
        config = orjson.loads(store.objects.get(store.names.adapter_config))
        # The space may have been made with a name that is good in one folder, or for SEMOE alone.
        base = {"base_model_name_or_path": findable(config["base_model_name_or_path"])}
        write_expert(source, data, config | base)
    for folder in missing:
        link_expert(source, folder)


def _holds(folder: Path, key: str, space: str) -> bool:
    try:
        record = read_json(folder / RECORD)
        return bool((record["key"], record["space"]) == (key, space))
    except (SemoeError, KeyError, TypeError):
        return False
