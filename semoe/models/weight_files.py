"""Which files of a model folder hold its weights."""

from pathlib import Path

from semoe.errors import UsageError
from semoe.files import read_json

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"


def weight_files(folder: Path) -> list[Path]:
    """Returns the safetensors files of a model folder: the shards that its index names, or the one file.

    Raises:
        UsageError: there is none, or one that the index names is missing.
    """
    if (folder / INDEX).exists():
        # The last part of each name alone: an index must not lead out of its folder.
        shards = [folder / Path(name).name for name in sorted(set(read_json(folder / INDEX)["weight_map"].values()))]
        if missing := [path.name for path in shards if not path.is_file()]:
            raise UsageError(
                f"{folder} lacks {', '.join(missing)}, which its {INDEX} names. Download the model again.",
                kind="model-weights",
            )
        return shards
    if (folder / WHOLE).exists():
        return [folder / WHOLE]
    pickled = (
        " Its pickled weights are never loaded: convert them to safetensors." if list(folder.glob("*.bin")) else ""
    )
    raise UsageError(f"{folder} holds no {WHOLE} and no {INDEX}.{pickled}", kind="model-weights")
