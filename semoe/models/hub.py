"""Brings a model's files from the hub, and tells a wrong token, a wrong name and a hub that is away from each other.

Called by `resolve_model`. The library answers from its cache where the hub does not, also with half of a model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from semoe.errors import SemoeError, TransientError, UsageError
from semoe.models.weight_files import INDEX, WHOLE, shard_names

_FILES = [
    "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "token*", "*.jinja",
    "special_tokens_map.json", "added_tokens.json",
]  # fmt: skip
_LEFT_THERE = ["*/*", "consolidated*"]
"""The same weights once more, in other forms: `original/`, `onnx/`, Mistral's consolidated file."""


def download(hub_name: str) -> Path:
    """Returns a folder with the files of a model on the hub.

    Raises:
        UsageError: no such model, no access to it, or a wrong token; offline mode without the files.
        TransientError: the hub does not answer, and the cache does not hold all files.
    """
    import huggingface_hub  # noqa: PLC0415  (slow to import, not needed for a folder)

    with _plainly(hub_name):
        folder = Path(huggingface_hub.snapshot_download(hub_name, allow_patterns=_FILES, ignore_patterns=_LEFT_THERE))
        absent = _absent(folder)
        # The hub is asked only where something may be missing: a whole model in the cache needs no network.
        if absent & set(huggingface_hub.list_repo_files(hub_name) if absent else ()):
            raise TransientError(
                f"{folder} lacks {', '.join(sorted(absent))} of {hub_name}: the hub was away. Run the same again.",
                kind="model-download",
            )
    return folder


def cached(hub_name: str) -> Path | None:
    """Returns the folder of a model that the hub's cache holds whole; never asks the hub."""
    import huggingface_hub  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415

    try:
        folder = Path(huggingface_hub.snapshot_download(hub_name, allow_patterns=_FILES, local_files_only=True))
    except (HFValidationError, OSError):
        return None
    return None if _absent(folder) - {INDEX} else folder


def _absent(folder: Path) -> set[str]:
    """Returns names of files that a folder lacks and that models have; which of them, only the hub knows."""
    names = {"config.json", "tokenizer.json"}
    if not (folder / WHOLE).exists():
        names |= set(shard_names(folder)) if (folder / INDEX).exists() else {INDEX, WHOLE}
    return {name for name in names if not (folder / name).exists()}


@contextmanager
def _plainly(hub_name: str) -> Iterator[None]:
    from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]  # noqa: PLC0415

    try:
        yield
    except HFValidationError as error:
        raise UsageError(f"{hub_name!r} is no name on the hub ({error}). Correct it.", kind="model") from error
    except (OSError, HTTPError) as error:
        raise _translated(error, hub_name) from error


def _translated(error: Exception, hub_name: str) -> SemoeError:
    from huggingface_hub import constants  # noqa: PLC0415

    status = _status(error)
    said = str(error).strip().partition("\n")[0]
    if status in (401, 403, 404):
        return UsageError(
            f"The hub gives no access to {hub_name} ({status}: {said}). Check the name, accept the licence, and set "
            "HF_TOKEN to a valid token, or unset a wrong one.",
            kind="model-access",
        )
    if constants.HF_HUB_OFFLINE:
        return UsageError(
            f"HF_HUB_OFFLINE is set, and the cache does not hold all of {hub_name}. Unset it, or give a local folder.",
            kind="model-offline",
        )
    if isinstance(error, PermissionError):
        return UsageError(
            f"Cannot write the cache of the hub: {said}. Set HF_HOME to another folder.", kind="unwritable"
        )
    return TransientError(
        f"Cannot download {hub_name} ({said}). Check the network, or give a local folder, or use `smollm2`.",
        kind="model-download",
    )


def _status(error: BaseException | None) -> int | None:
    """Returns the hub's answer; the library wraps some in others that say only that the cache lacks the files."""
    while error is not None:
        response = getattr(error, "response", None)
        if response is not None:
            return int(response.status_code)
        error = error.__cause__
    return None
