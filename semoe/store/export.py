"""Experts leave the store as plain PEFT folders, under one name or several."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from semoe.errors import SemoeError, UsageError
from semoe.files import read_json
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
        write_expert(source, data, orjson.loads(store.objects.get(store.names.adapter_config)))
    for folder in missing:
        link_expert(source, folder)


def _holds(folder: Path, key: str, space: str) -> bool:
    try:
        record = read_json(folder / RECORD)
        return bool((record["key"], record["space"]) == (key, space))
    except (SemoeError, KeyError, TypeError):
        return False
