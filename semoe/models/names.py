"""From a model's name to a folder with its files."""

import re
from pathlib import Path

from semoe.errors import TransientError, UsageError, unknown_name
from semoe.models.smollm2 import smollm2_folder

SHORT_NAMES = {
    "llama3.2_1b": "meta-llama/Llama-3.2-1B-Instruct",
    "qwen2.5_1.5b": "Qwen/Qwen2.5-1.5B-Instruct",
    "llama3_8b": "meta-llama/Meta-Llama-3-8B-Instruct",
}
"""The published short names."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "token*",
    "*.jinja",
]


def resolve_model(name_or_path: str) -> Path:
    """Returns the folder of a model: a folder as it is, `smollm2`, a published short name, or a hub name.

    Raises:
        UsageError: the name is unknown, or the folder holds no model.
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
    return _download(hub_name)


def _download(hub_name: str) -> Path:
    import huggingface_hub  # noqa: PLC0415  (slow to import, not needed for a folder)
    from huggingface_hub.errors import (  # noqa: PLC0415
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(huggingface_hub.snapshot_download(hub_name, allow_patterns=_FILES))
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise UsageError(
            f"The hub gives no access to {hub_name}: check the name, accept the licence, or log in.",
            kind="model",
        ) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise TransientError(
            f"Cannot download {hub_name}. Check the network, or give a local folder, or use `smollm2`.",
            kind="model-download",
        ) from error
