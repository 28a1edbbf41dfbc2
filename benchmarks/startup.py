"""What a command costs before it does anything: CPU seconds and memory, beside an earlier commit in one run.

    python -m benchmarks.startup --beside e8fbe21

Each commit plans and does a small run of its own, in a folder and on an S3 server; then the same verbs are called with
both, by turns, and the smallest figures of several calls are compared: other work on the machine only adds to them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.demo import DEMO, PASSAGES, quick
from tests.seaweed import client, seaweed
from tests.tiny import chatting_model_folder

ROUNDS = 7
GOALS = {"folder": 0.2, "s3": 0.3, "memory": 0.35}
"""Shares of the earlier commit's figures that are not to be passed."""
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
open(sys.argv[1], "w").write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss}")
sys.exit(code)
"""
"""Stands between, because a process begins with the peak of the one that started it, and this one is large."""
PLACE = ("--run", "r", "--store", "STORE")
VERBS: Sequence[tuple[str, ...]] = (
    ("status", *PLACE),
    ("logs", *PLACE),
    ("report", *PLACE),
    ("shards", "--stage", "encode", *PLACE),
    ("experts", "ls", "--store", "STORE"),
    ("experts", "stats", "--store", "STORE"),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call took."""

    cpu_seconds: float
    """Of user and system together."""
    peak_mib: float


def main() -> None:
    """Prints the costs of each verb, and their share of the earlier commit's."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--beside", default="e8fbe21", help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="calls of each verb")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, checkout(options.beside) as earlier, seaweed_on(Path(name)) as endpoint:
        root = Path(name)
        trees = {"before": earlier, "now": Path.cwd()}
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_REGION": "us-east-1", "CUDA_VISIBLE_DEVICES": "",
        }  # fmt: skip
        stores = {name: work_in(root / name, tree, environment) for name, tree in trees.items()}
        print(f"{'verb':28} {'before':>16} {'now':>16} {'CPU':>6} {'memory':>7}")
        compare("--help", ("--help",), trees, {}, environment, options.rounds, GOALS["folder"])
        for kind in ("folder", "s3"):
            for verb in VERBS:
                said = f"{' '.join(verb[:2]) if verb[0] == 'experts' else verb[0]}, {kind}"
                places = {name: found[kind] for name, found in stores.items()}
                compare(said, verb, trees, places, environment, options.rounds, GOALS[kind])


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Yields a folder with the files of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit], check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


@contextmanager
def seaweed_on(root: Path) -> Iterator[str]:
    """Starts an S3 server with a bucket; yields its address."""
    (root / "s3").mkdir()
    with seaweed(root / "s3") as endpoint:
        client(endpoint).create_bucket(Bucket="experts")
        yield endpoint


def work_in(root: Path, tree: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Plans and does a small run in a folder and on S3; returns both stores."""
    root.mkdir()
    (root / "quick.toml").write_text(quick())
    model = chatting_model_folder(root / "tiny")
    index = ["--index_dir", str(root / "index")]
    call(tree, ("index", "--data_path", str(PASSAGES), *index), environment)
    stores = {"folder": str(root / "store"), "s3": f"s3://experts/{root.name}"}
    recipe = ("--model_name", str(model), "--preset", str(root / "quick.toml"), "--inference_method", "none")
    for store in stores.values():
        questions = ("--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--sample", "2")
        call(tree, ("plan", "--run", "r", "--store", store, *questions, *recipe, *index), environment)
        call(tree, ("run", "--run", "r", "--store", store), environment)
    return stores


def compare(
    said: str,
    verb: Sequence[str],
    trees: Mapping[str, Path],
    stores: Mapping[str, str],
    environment: Mapping[str, str],
    rounds: int,
    goal: float,
) -> None:
    """Calls a verb of both commits by turns, and prints what it costs."""
    costs: dict[str, list[Cost]] = {name: [] for name in trees}
    for _ in range(rounds):
        for name, tree in trees.items():
            arguments = [stores[name] if one == "STORE" else one for one in verb]
            costs[name].append(call(tree, arguments, environment))
    cpu = {name: min(one.cpu_seconds for one in found) for name, found in costs.items()}
    memory = {name: statistics.median(one.peak_mib for one in found) for name, found in costs.items()}
    shares = (cpu["now"] / cpu["before"], memory["now"] / memory["before"])
    missed = "" if shares[0] <= goal and shares[1] <= GOALS["memory"] else f"   MISSED: {goal}, {GOALS['memory']}"
    cells = [f"{cpu[name]:6.2f} s {memory[name]:4.0f} MiB" for name in trees]
    print(f"{said:28} {cells[0]:>16} {cells[1]:>16} {shares[0]:6.2f} {shares[1]:7.2f}{missed}", flush=True)


def call(tree: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Runs the command of a tree; returns what it cost.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "semoe", *arguments]
    own = {**environment, "PYTHONPATH": str(tree)}
    with tempfile.NamedTemporaryFile() as told:
        launcher = [sys.executable, "-S", "-c", LAUNCHER, told.name]
        done = subprocess.run([*launcher, *command], env=own, cwd=tree, capture_output=True, check=False, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} in {tree}: {done.stderr[-2000:]}")
        seconds, kib = Path(told.name).read_text().split()
    return Cost(float(seconds), float(kib) / 1024)


if __name__ == "__main__":
    main()
