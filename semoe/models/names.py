"""From a model's name to a folder with its files."""

import re
from pathlib import Path

from semoe.errors import unknown_name
from semoe.models.hub import download
from semoe.models.smollm2 import smollm2_folder

SHORT_NAMES = {
    "llama3.2_1b": "meta-llama/Llama-3.2-1B-Instruct",
    "qwen2.5_1.5b": "Qwen/Qwen2.5-1.5B-Instruct",
    "llama3_8b": "meta-llama/Meta-Llama-3-8B-Instruct",
}
"""The published short names."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def resolve_model(name_or_path: str) -> Path:
    """Returns the folder of a model: a folder as it is, `smollm2`, a published short name, or a hub name.

    Raises:
        UsageError: the name is unknown, or the hub gives no access to it.
        TransientError: the hub cannot be reached.
    """
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        return folder
    if name_or_path == "smollm2":
        return smollm2_folder()
    hub_name = SHORT_NAMES.get(name_or_path, name_or_path)
    if not _HUB_NAME.fullmatch(hub_name) or folder.is_absolute():
        raise unknown_name("model (neither a folder nor a hub name)", name_or_path, ("smollm2", *SHORT_NAMES))
    return download(hub_name)
