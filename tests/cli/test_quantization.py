"""`--quantization`: kept with a plan, and refused where it cannot be meant."""

from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.experts.preset import parse_preset
from semoe.runs.folder import RunFolder
from semoe.stages.inference_settings import InferenceSettings
from semoe.store.objects import FolderObjects
from tests.small_run import plan


def test_a_plan_keeps_it_for_its_workers(small_root: Path, tmp_path: Path) -> None:
    given = ("--sample", "1", "--dtype", "bfloat16", "--quantization", "float8")
    assert run(plan(small_root, str(tmp_path / "store"), *given)) == 0
    kept = RunFolder(FolderObjects(tmp_path / "store"), "r").plan()
    assert kept.preset.answering.quantization == "float8"


def test_a_plan_in_another_type_is_refused(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(plan(small_root, str(tmp_path / "store"), "--sample", "1", "--quantization", "float8")) == 2
    assert "is for --dtype bfloat16, and it is float32" in capsys.readouterr().err


def test_an_unknown_one_is_told_by_its_name() -> None:
    with pytest.raises(UsageError, match="fp8"):
        InferenceSettings(quantization="fp8")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="fp8"):
        parse_preset('[answering]\nquantization = "fp8"\n', "mine")
