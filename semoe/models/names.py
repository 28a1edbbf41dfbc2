"""From a model's name to a folder with its files."""

import re
from difflib import get_close_matches
from pathlib import Path

from semoe.errors import UsageError, unknown_name
from semoe.models.hub import download
from semoe.models.smollm2 import smollm2_folder

SHORT_NAMES = {
    "llama3.2_1b": "meta-llama/Llama-3.2-1B-Instruct",
    "qwen2.5_1.5b": "Qwen/Qwen2.5-1.5B-Instruct",
    "llama3_8b": "meta-llama/Meta-Llama-3-8B-Instruct",
    "llama3.2-1b-instruct": "meta-llama/Llama-3.2-1B-Instruct",
    "qwen2.5-1.5b-instruct": "Qwen/Qwen2.5-1.5B-Instruct",
    "llama3-8b-instruct": "meta-llama/Meta-Llama-3-8B-Instruct",
}
"""The published short names, and PRAG's for the same models."""
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def resolve_model(name_or_path: str) -> Path:
    """Returns the folder of a model: a folder as it is, `smollm2`, a published short name, or a hub name.

    Raises:
        UsageError: the name is unknown, or it is a path to nothing, or the hub gives no access to it.
        TransientError: the hub cannot be reached.
    """
    folder = Path(name_or_path).expanduser()
    if name_or_path and folder.is_dir():
        return folder
    if name_or_path == "smollm2":
        return smollm2_folder()
    hub_name = SHORT_NAMES.get(name_or_path, name_or_path)
    _refuse_path(name_or_path, folder)
    if not _HUB_NAME.fullmatch(hub_name):
        raise unknown_name("model (neither a folder nor a hub name)", name_or_path, ("smollm2", *SHORT_NAMES))
    return download(hub_name)


def _refuse_path(name: str, folder: Path) -> None:
    """A mistyped folder is told as one: no hub is asked for it, and no pod tries it again and again."""
    if "://" in name:
        raise UsageError(f"{name} is an address. Give the model's name on the hub, owner/name.", kind="model")
    if folder.is_file():
        raise UsageError(f"{name} is a file. Give the model's folder: {folder.parent}.", kind="model")
    # An owner's name that is a folder here means that folder.
    is_path = name.startswith((".", "~", "/")) or name.endswith("/") or "\\" in name or name.count("/") > 1
    if is_path or ("/" in name and folder.parent.is_dir()):
        raise UsageError(f"There is no folder {name}.{_nearby(folder)}", kind="model")


def _nearby(folder: Path) -> str:
    """Says what is there, on the way down to a folder that is not."""
    above = next(one for one in (folder, *folder.parents) if one.is_dir())
    here = sorted(one.name for one in above.iterdir() if one.is_dir() and not one.name.startswith("."))
    if not here:
        return f" {above.resolve()} holds no folder. Correct the path."
    close = get_close_matches(folder.relative_to(above).parts[0], here) or here
    return f" In {above.resolve()} there are: {', '.join(close[:5])}. Correct the path."
