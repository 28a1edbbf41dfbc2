from pathlib import Path

import pytest

from semoe.cli.app import run
from tests.cli.journey import recipe
from tests.demo import DEMO, PASSAGES, quick


@pytest.fixture(scope="session")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two questions of two datasets, taken through index, retrieve, augment and encode."""
    root = tmp_path_factory.mktemp("root")
    (root / "quick.toml").write_text(quick())
    assert run(["index", "--data_path", str(PASSAGES), "--index_dir", str(root / "index")]) == 0
    place = ["--dataset", "popqa", "--root_dir", str(root)]
    found = ["--data_path", str(DEMO / "popqa"), "--index_dir", str(root / "index"), "--sample", "2"]
    assert run(["retrieve", *place, *found]) == 0
    assert run(["augment", *place]) == 0
    assert run(["encode", *place, *recipe(root)]) == 0
    return root
