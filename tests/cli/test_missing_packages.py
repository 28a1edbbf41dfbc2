"""What is not installed is named by its own name, with what brings it, by whichever verb needs it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from semoe.missing import EXTRAS, missing_package
from tests.demo import PASSAGES

WITHOUT = """
import sys
from importlib.machinery import PathFinder
names = sys.argv[1].split(",")

class Without:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] in names else PathFinder.find_spec(name, path, target)

    find_distributions = PathFinder.find_distributions
    invalidate_caches = PathFinder.invalidate_caches

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from semoe.cli.app import run
sys.exit(run(sys.argv[2:]))
"""
INDEX = ("index", "--data_path", str(PASSAGES), "--index_dir", "index", "--es_url", "http://localhost:9", "--retriever")
POPQA = ("--dataset", "popqa", "--data_path", str(PASSAGES.parent / "popqa"))


@pytest.mark.parametrize(
    ("lacking", "arguments", "named"),
    [
        ("boto3", ("experts", "ls", "--store", "s3://bucket/x"), r"boto3.*'semoe\[s3\]'"),
        ("botocore", ("experts", "ls", "--store", "s3://bucket/x"), r"botocore.*'semoe\[s3\]'"),
        ("pyarrow", ("index", "--data_path", "c.parquet"), r"pyarrow.*'semoe\[parquet\]'"),
        ("elasticsearch", (*INDEX, "elasticsearch"), r"elasticsearch.*'semoe\[elasticsearch\]'"),
        ("elastic_transport", (*INDEX, "elasticsearch"), r"elastic_transport.*'semoe\[elasticsearch\]'"),
        ("kubernetes", ("doctor", "--cluster"), r"kubernetes.*'semoe\[cluster\]'"),
        ("faiss", (*INDEX, "dense-hnsw"), r"faiss.*'semoe\[dense\]'"),
        ("sentence_transformers", (*INDEX, "dense"), r"sentence-transformers.*'semoe\[dense\]'"),
        ("matplotlib", ("evaluate", "--retrieval", *POPQA, "--plot", "p.svg"), r"matplotlib.*'semoe\[plots\]'"),
    ],
    ids=lambda one: one if isinstance(one, str) and one.isidentifier() else "",
)
def test_a_verb_names_what_it_lacks(tmp_path: Path, lacking: str, arguments: tuple[str, ...], named: str) -> None:
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, lacking, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert re.search(named, done.stderr, flags=re.DOTALL), done.stderr


def test_every_extra_is_known_and_no_other() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS.values()) == set(project["optional-dependencies"]) - {"dev", "docs", "mutation"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such.part", "needs the package no_such, which is not installed. Run: pip install no-such"),
        ("semoe.stages.nothing", None),
        ("tkinter", None),
        ("numpy.nothing", None),
        (None, None),
    ],
)
def test_a_fault_of_ours_is_no_missing_package(name: str | None, told: str | None) -> None:
    import numpy as np  # noqa: F401  (it is there: what lacks is a part of it)

    found = missing_package(ModuleNotFoundError("x", name=name))
    assert (found is None) == (told is None)
    assert told is None or re.search(told, str(found))
