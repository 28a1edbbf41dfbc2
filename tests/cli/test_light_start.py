"""Verbs that look at a run or a store load none of what computing needs: they start in a moment, in little memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_run import finish, planned

HEAVY = ("torch", "transformers", "spacy", "matplotlib", "bm25s", "huggingface_hub", "prometheus_client")
LOOK = """
import sys
from semoe.cli.app import run
code = run(sys.argv[2:])
loaded = [name for name in sys.argv[1].split(",") if name in sys.modules]
print("loaded:", *loaded, file=sys.stderr)
sys.exit(code)
"""
RUN_VERBS = (
    ["status"], ["logs"], ["report"], ["report", "--partial"], ["shards", "--stage", "encode"],
    ["shards", "--stage", "augment"],
)  # fmt: skip
STORE_VERBS = (["ls"], ["stats"], ["states"], ["verify"], ["gc", "--dry-run"], ["compact", "--dry-run"])
NO_WORK = (
    ["--version"], ["--help"], ["encode", "--help"], ["inference", "--print_settings"], ["plan", "--help"],
    ["ask", "--help"], ["reproduce", "--help"], ["data", "check", "--help"],
)  # fmt: skip


@pytest.fixture(scope="module")
def store(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run that is done."""
    place = tmp_path_factory.mktemp("light")
    finish(planned(small_root, place, "--inference_method", "prag", "--sample", "2", shards=1))
    return place / "store"


NOT_THERE = (
    ["index", "--data_path", "gone.tsv"], ["cut", "--corpus", "gone.tsv", "--to", "pieces"],
    ["plan", "--run", "r", "--corpus", "gone", "--model_name", "smollm2"],
    ["plan", "--run", "r", "--dataset", "popqa", "--data_path", "gone", "--model_name", "smollm2"],
    ["retrieve", "--dataset", "popqa", "--data_path", "gone"], ["augment", "--dataset", "popqa", "--data_path", "gone"],
    ["evaluate", "--retrieval", "--dataset", "popqa", "--data_path", "gone"],
)  # fmt: skip


def loaded(*arguments: str, code: int = 0, said: str = "") -> list[str]:
    """Which of the heavy packages a process of its own has loaded once the verb is done."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, ",".join(HEAVY), *arguments],
        capture_output=True, text=True, check=False, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    return done.stderr.splitlines()[-1].removeprefix("loaded:").split()


@pytest.mark.parametrize("arguments", NO_WORK, ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(*arguments) == []


@pytest.mark.parametrize("arguments", RUN_VERBS, ids=" ".join)
def test_a_verb_that_tells_of_a_run_loads_nothing_heavy(arguments: list[str], store: Path) -> None:
    assert loaded(*arguments, "--run", "r", "--store", str(store)) == []


@pytest.mark.parametrize("arguments", STORE_VERBS, ids=" ".join)
def test_a_verb_that_looks_at_a_store_loads_nothing_heavy(arguments: list[str], store: Path) -> None:
    assert loaded("experts", *arguments, "--store", str(store)) == []


@pytest.mark.parametrize("arguments", NOT_THERE, ids=" ".join)
def test_a_file_that_is_not_there_is_told_before_anything_heavy_is_loaded(arguments: list[str]) -> None:
    assert loaded(*arguments, code=2, said="File not found: gone") == []


def test_the_look_sees_a_package_that_is_loaded(store: Path) -> None:
    assert "torch" in loaded("doctor", "--root_dir", str(store))


INTERRUPTED = """
import sys

class Interrupting:
    def find_spec(self, name, *more):
        if name == "semoe.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from semoe.__main__ import main
main()
"""


def test_ctrl_c_while_it_starts_ends_it_as_later() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


TOGETHER = """
import threading
from semoe.telemetry.counting import metrics

start = threading.Barrier(16)
found = []

def count():
    start.wait()
    found.append(metrics.retrievals)

threads = [threading.Thread(target=count) for _ in range(16)]
for one in threads: one.start()
for one in threads: one.join()
print(len(found), len({id(one) for one in found}))
"""


def test_threads_that_count_first_at_once_share_the_metrics() -> None:
    done = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["16", "1"]
