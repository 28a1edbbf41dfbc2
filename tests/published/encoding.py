"""The verbs on the folder of the fixture `root`: one question, a tiny model, a recipe of one step."""

import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from tests.demo import DEMO, quick

QUICK = quick(num_steps=1)
PAIRS = "data_aug/popqa/parse/total.json"


def verb(name: str, root: Path, *more: str) -> list[str]:
    return [name, "--dataset", "popqa", "--root_dir", str(root), *more]


def planning(root: Path, preset: str = "quick.toml") -> list[str]:
    return [
        "plan", "--run", "r", "--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--sample", "1",
        "--preset", str(root / preset), "--root_dir", str(root), "--index_dir", str(root / "index"),
        "--model_name", str(root / "tiny"), "--inference_method", "prag",
    ]  # fmt: skip


def encode(root: Path, *more: str) -> list[str]:
    preset = () if "--preset" in more else ("--preset", str(root / "quick.toml"))
    model = () if "--model_name" in more else ("--model_name", str(root / "tiny"))
    return verb("encode", root, *preset, *model, *more)


def inference(root: Path, method: str) -> list[str]:
    recipe = ("--preset", str(root / "quick.toml"), "--model_name", str(root / "tiny"))
    return verb("inference", root, *recipe, "--inference_method", method)


def encoded(root: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run([*encode(root, *more), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def change_pairs(path: Path) -> None:
    """Another answer to one question of one passage."""
    records = json.loads(path.read_text())
    passage = records[0]["augment"][0]
    key = next(name for name in passage if name.endswith("_qa"))
    passage[key][0]["answer"] = "quite another"
    path.write_text(json.dumps(records))
