"""What one feature needs is not asked of others; where it lacks, the message names the extra that brings it."""

import sys
from pathlib import Path

import pytest

from semoe.augment.augmenter import load_augmenter
from semoe.augment.contract import AugmentSettings
from semoe.errors import UsageError
from semoe.evaluation.trace_page import trace_page
from semoe.models import smollm2


@pytest.mark.parametrize("augmenter", ["parse", "model"])
def test_without_spacy_augmenting_names_its_extra(augmenter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(UsageError, match=r"semoe\[parse\]"):
        load_augmenter(AugmentSettings(augmenter=augmenter))


def test_without_matplotlib_a_page_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("semoe.evaluation.page.can_draw", lambda: False)
    assert "semoe[plots]" in trace_page([], "none")


@pytest.mark.parametrize("package", ["transformers", "accelerate", "gguf"])
def test_without_a_package_the_demos_model_names_it_and_its_extra(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("SEMOE_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=rf"the package {package}, .*semoe\[demo\]"):
        smollm2.smollm2_folder()
