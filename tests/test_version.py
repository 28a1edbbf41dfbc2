"""The version: one source, and one script that writes it where nothing reads it."""

import shutil
from pathlib import Path

import pytest
import yaml

from scripts.version import BEFORE, CHANGELOG, SOURCE, current, main
from semoe import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files with a version, and a changelog that has a section of 7.8.9 too."""
    for name in (*BEFORE, CHANGELOG):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / CHANGELOG).open("a") as changelog:
        changelog.write("\n## [7.8.9] - 2031-02-03\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_file_has_the_version_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0
    assert current() == __version__


def test_a_new_version_is_written_everywhere_and_back(copy: Path) -> None:
    before = {name: (copy / name).read_text() for name in BEFORE}
    assert main(["7.8.9"]) == 0
    assert main(["--check"]) == 0
    for name, text in before.items():
        now = (copy / name).read_text()
        assert __version__ not in now
        assert len(now.splitlines()) == len(text.splitlines())
    assert '__version__ = "7.8.9"\n' in (copy / SOURCE).read_text()
    assert "semoe-reproduce-v7-8-9" in (copy / "docs/kubernetes.md").read_text()
    chart = yaml.safe_load((copy / "helm/elasticsearch/Chart.yaml").read_text())
    assert chart == yaml.safe_load(before["helm/elasticsearch/Chart.yaml"]) | {"version": "7.8.9"}
    assert "date-released: 2031-02-03\n" in (copy / "CITATION.cff").read_text()
    assert main([__version__]) == 0
    assert {name: (copy / name).read_text() for name in BEFORE} == before


@pytest.mark.parametrize("name", [name for name in BEFORE if name != SOURCE])
def test_a_stale_file_is_named(copy: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    text = (copy / name).read_text()
    dashed = __version__.replace(".", "-")
    (copy / name).write_text(text.replace(__version__, "0.0.9").replace(dashed, "0-0-9"))
    assert main(["--check"]) == 1
    assert capsys.readouterr().err.startswith(f"{name} is not of version {__version__}: run make version")
    assert main([]) == 0
    assert (copy / name).read_text() == text


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [("0.2", 2, "three numbers"), ("0.2.0rc1", 2, "three numbers"), ("8.0.0", 1, "no section of 8.0.0")],
)
def test_a_version_that_cannot_be_is_refused_and_nothing_written(
    copy: Path, capsys: pytest.CaptureFixture[str], version: str, code: int, words: str
) -> None:
    assert main([version]) == code
    assert words in capsys.readouterr().err
    assert current() == __version__


def test_a_place_that_is_gone_is_named_and_nothing_written(copy: Path) -> None:
    path = copy / "helm/workers/Chart.yaml"
    path.write_text(path.read_text().replace("appVersion", "app"))
    with pytest.raises(SystemExit, match=r"helm/workers/Chart\.yaml has no version behind 'appVersion:'"):
        main(["7.8.9"])
    assert current() == __version__
