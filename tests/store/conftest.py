from pathlib import Path

import pytest

from semoe.store.objects import FolderObjects, Objects


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return FolderObjects(tmp_path / "store")
    found: Objects = request.getfixturevalue("s3_objects")
    return found
