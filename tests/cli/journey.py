"""What there is where the fixture `journey` has been: its recipe, its passages, its experts' weights."""

import json
from pathlib import Path


def recipe(root: Path) -> list[str]:
    return ["--model_name", "smollm2", "--preset", str(root / "quick.toml")]


def distinct(root: Path) -> set[str]:
    records = json.loads((root / "data_aug/popqa/parse/total.json").read_text())
    return {passage["passage"] for record in records for passage in record["augment"]}


def weights(root: Path) -> dict[Path, bytes]:
    """Every exported expert's weights."""
    return {path.relative_to(root): path.read_bytes() for path in root.glob("offline/**/lr=0.003_*/**/*.safetensors")}
