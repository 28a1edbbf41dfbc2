"""Expert space and expert key: what an expert is, and which one it is.

Two experts may stand in for each other only if both are equal. A space's name is the hash of everything that decides
its experts, so two recipes never mix; a key is the hash of the passage.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from semoe.experts.preset import Preset

SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ExpertSpace:
    """Everything that decides what an expert is."""

    base_model: str
    model_fingerprint: str
    preset: Preset
    template_version: int
    augment_model: str
    augmentation_version: int
    exemplars: str
    """Hash of the worked examples in its sequences; empty without chains of thought."""
    dtype: str = "float32"

    def describe(self) -> dict[str, Any]:
        """Returns the space as plain JSON values; answering settings are left out."""
        recipe = asdict(self.preset)
        for outside in ("name", "answering"):
            del recipe[outside]
        return asdict(self) | {"preset": recipe}

    @property
    def name(self) -> str:
        """The first 16 hex digits of the hash of `describe()`."""
        text = orjson.dumps(self.describe(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:16]


def model_fingerprint(folder: Path) -> str:
    """Hashes a model folder's configuration, and size, head and tail of each weight file.

    Whole weight files are not read: gigabytes at each start would buy little against an honest user.
    """
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(f"{path.name} {path.stat().st_size}".encode())
            digest.update(file.read(SAMPLE_BYTES))
            file.seek(max(0, path.stat().st_size - SAMPLE_BYTES))
            digest.update(file.read())
    return digest.hexdigest()[:16]
