import shutil
from pathlib import Path

import pytest

from semoe.cli.app import run
from tests.demo import DEMO, PASSAGES
from tests.published.encoding import QUICK
from tests.tiny import chatting_model_folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One question with its passages and their pairs, a tiny model, a recipe of one step."""
    root = tmp_path_factory.mktemp("spaces")
    (root / "quick.toml").write_text(QUICK)
    chatting_model_folder(root / "tiny")
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    found = ["--data_path", str(DEMO / "popqa"), "--index_dir", str(root / "index"), "--sample", "1"]
    assert run(["retrieve", "--dataset", "popqa", "--root_dir", str(root), *found]) == 0
    assert run(["augment", "--dataset", "popqa", "--root_dir", str(root), "--preset", str(root / "quick.toml")]) == 0
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it, to change."""
    return shutil.copytree(prepared, tmp_path / "root")
