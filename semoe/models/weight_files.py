"""Which files of a model folder hold its weights."""

from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.files import read_json

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
_POINTER = b"version https://git-lfs"


def weight_files(folder: Path) -> list[Path]:
    """Returns the safetensors files of a model folder: the one file, or the shards that its index names.

    The one file goes first, as in transformers: an index beside it is what is left of an earlier copy.

    Raises:
        UsageError: there is none, or one that the index names is missing, or a file is only a pointer to it.
    """
    files = [folder / WHOLE] if (folder / WHOLE).exists() else _shards(folder)
    for path in files:
        refuse_pointer(path)
    return files


def refuse_pointer(path: Path) -> None:
    """Raises UsageError for what Git LFS leaves in a file's place until its content is fetched."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise UsageError(
                    f"{path} is a Git LFS pointer, not the file itself. Run `git lfs pull` in {path.parent}, or "
                    "download it again.",
                    kind="model-pointer",
                )


def shard_names(folder: Path) -> list[str]:
    """Returns the files that an index names, as they are called in its own folder.

    Raises:
        UsageError: the index is none.
    """
    refuse_pointer(folder / INDEX)
    found: Any = read_json(folder / INDEX)
    weight_map = found.get("weight_map") if isinstance(found, dict) else None
    if (
        not isinstance(weight_map, dict)
        or not weight_map
        or not all(isinstance(one, str) for one in weight_map.values())
    ):
        raise UsageError(
            f"{folder / INDEX} names no shards (it has no weight_map). Download the model again.", kind="model-weights"
        )
    # The last part of each name alone: an index must not lead out of its folder.
    return sorted({Path(name).name for name in weight_map.values()})


def _shards(folder: Path) -> list[Path]:
    if (folder / INDEX).exists():
        shards = [folder / name for name in shard_names(folder)]
        if missing := [path.name for path in shards if not path.is_file()]:
            raise UsageError(
                f"{folder} lacks {', '.join(missing)}, which its {INDEX} names. Download the model again.",
                kind="model-weights",
            )
        return shards
    raise UsageError(f"{folder} holds no {WHOLE} and no {INDEX}.{_what_else(folder)}", kind="model-weights")


def _what_else(folder: Path) -> str:
    if list(folder.glob("*.gguf")):
        return " Its GGUF file is not read: give the model's safetensors."
    if list(folder.glob("*.bin")) or list(folder.glob("*.pth")):
        return " Its pickled weights are never loaded: convert them to safetensors."
    if list(folder.glob("consolidated*.safetensors")):
        return " Its consolidated.safetensors has the original names of its tensors: give the Hugging Face files."
    if (folder / "adapter_config.json").exists():
        return " It is an adapter (adapter_config.json): give the folder of its base model."
    return ""
