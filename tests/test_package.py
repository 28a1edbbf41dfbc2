"""What is shipped: the sources, from which everything can be made and tested again, and the wheel with its data."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipelines.render import CHART, CONCEPTS, FOLDER
from semoe import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, as whoever downloads them has them."""
    folder = tmp_path_factory.mktemp("sources")
    with tarfile.open(built / f"semoe-{__version__}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"semoe-{__version__}"


def files(root: Path, folder: str) -> set[str]:
    """The files below a folder, links followed; not what tools leave behind."""
    walk = os.walk(root / folder, followlinks=True)
    found = {(Path(place) / name).relative_to(root).as_posix() for place, _, names in walk for name in names}
    return {name for name in found if not re.search(r"__pycache__|_cache/|\.egg-info|\.hypothesis", name)}


@pytest.mark.parametrize(
    "folder",
    [
        "benchmarks", "configs", "docs", "examples", "findings", "helm", "images", "manifests", "pipelines", "scripts",
        "semoe", "tests",
    ],
)  # fmt: skip
def test_the_sources_have_every_file_of_a_folder(unpacked: Path, folder: str) -> None:
    assert files(unpacked, folder) == files(ROOT, folder) != set()


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run", ".importlinter", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile",
        "README.md", "RELEASE.md", "SECURITY.md", "constraints.txt", "pyproject.toml",
    ],
)  # fmt: skip
def test_the_sources_have_what_stands_beside_the_folders(unpacked: Path, name: str) -> None:
    assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_chart_in_the_sources_has_its_workflows(unpacked: Path) -> None:
    """A link in a checkout, copies in an archive: the chart can be installed from both."""
    for concept in CONCEPTS:
        golden, copy = (unpacked / folder / f"{concept}.yaml" for folder in (FOLDER, CHART))
        assert golden.read_bytes() == copy.read_bytes()


def test_the_check_of_the_manifests_runs_in_the_sources(unpacked: Path, tmp_path: Path) -> None:
    """And a copy in the chart that is stale is named too."""
    place = tmp_path / "sources"
    shutil.copytree(unpacked, place)
    check = [sys.executable, "-m", "pipelines.render", "--check"]
    assert subprocess.run(check, cwd=place, capture_output=True, check=False).returncode == 0
    (place / CHART / "encode.yaml").write_text("")
    stale = subprocess.run(check, cwd=place, capture_output=True, text=True, check=False)
    assert (stale.returncode, stale.stderr.split()[0]) == (1, str(CHART / "encode.yaml"))
    subprocess.run(check[:-1], cwd=place, check=True)
    assert subprocess.run(check, cwd=place, capture_output=True, check=False).returncode == 0


def test_the_wheel_has_the_package_with_its_data_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(built / f"semoe-{__version__}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
    about = f"semoe-{__version__}.dist-info/"
    assert {name for name in names if not name.startswith(about)} == files(ROOT, "semoe")
    assert {about + "licenses/LICENSE", about + "entry_points.txt"} <= names
    for data in (
        "experts/presets/semoe.toml", "prompts/templates/published.cot.jinja", "prompts/exemplars_data/popqa.json",
        "evaluation/templates/trace.html.jinja", "demo_data/passages.tsv", "demo_data/popqa/popQA.tsv", "py.typed",
    ):  # fmt: skip
        assert f"semoe/{data}" in names
