"""A corpus whose workers die at random: is there an expert for every passage that has pairs, and does `token` find it?

python -m benchmarks.killed_corpus --passages psgs_w100.tsv --questions popqa

Passages are written out with one of a hundred once more, elsewhere in the file. Three workers train a tiny model on
them in eight shards, and every few seconds one of them is killed (-9). Then the first questions are answered by a
method that switches and would train what lacks. Prints what was found, and ends with 1 where something lacks.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from semoe.cli.app import run
from semoe.generation.switching.trace import TracedPassage
from semoe.runs.folder import RunFolder
from semoe.runs.report import RunReport
from semoe.runs.reporting import make_report, records_of
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import FolderObjects
from tests.demo import quick
from tests.runs.killing import run_while_killing
from tests.tiny import chatting_model_folder

REPEATED = 0.01
NUM_QUESTIONS = 20
COMMIT_SECONDS = 3.0
"""A worker lives for some twenty. Commits after each step would be thousands, and each new worker reads them all."""


def main() -> int:
    """Does it all; returns how the process ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=Path, required=True, help="tab-separated, as DPR has them")
    parser.add_argument("--questions", type=Path, required=True, help="folder of PopQA")
    parser.add_argument("--first", type=int, help="only so many of the passages")
    parser.add_argument("--longest_seconds", type=float, default=15, help="between one kill and the next")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        corpus = repeated(asked.passages, root / "corpus.tsv", asked.first)
        (root / "quick.toml").write_text(quick(), encoding="utf-8")
        chatting_model_folder(root / "tiny")
        trained = train(root, corpus, asked.longest_seconds)
        passages = answer(root, corpus, asked.questions)
        return judged(trained, passages, root)


def repeated(source: Path, target: Path, first: int | None) -> Path:
    """Writes the passages, some of them twice."""
    head, *lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = lines[:first]
    chance = random.Random(0)
    for line in chance.sample(lines, round(len(lines) * REPEATED)):
        lines.insert(chance.randrange(len(lines)), line)
    target.write_text(head + "".join(lines), encoding="utf-8")
    print(f"{len(lines):,} lines, {len(lines) - len(set(lines)):,} of them repeated", flush=True)
    return target


def train(root: Path, corpus: Path, longest_seconds: float) -> RunReport:
    """Trains the corpus with workers that are killed."""
    call("plan", "--run", "wiki", *recipe(root), "--corpus", str(corpus), "--shards", "8")
    began = time.monotonic()
    folder = folder_of(root, "wiki")
    killed = run_while_killing(folder, longest_seconds, COMMIT_SECONDS)
    print(f"{killed} workers killed in {time.monotonic() - began:.0f} s", flush=True)
    return make_report(folder)


def answer(root: Path, corpus: Path, questions: Path) -> list[TracedPassage]:
    """Answers questions with what there is; returns every passage that was retrieved on the way."""
    index = ("--index_dir", str(root / "index"))
    call("index", "--data_path", str(corpus), *index)
    call(
        "plan", "--run", "dev", *recipe(root), *index, "--experts_of", "wiki", "--dataset", "popqa", "--data_path",
        str(questions), "--sample", str(NUM_QUESTIONS), "--method", "token", "--missing", "train",
        "--inference_method", "prag,combine",
    )  # fmt: skip
    call("run", "--run", "dev", "--store", str(root / "store"))
    folder = folder_of(root, "dev")
    answered = [one.trace for method in folder.plan().methods for one in records_of(folder, method) if one.trace]
    return [passage for trace in answered for switch in trace.switches for passage in switch.passages]


def judged(trained: RunReport, passages: list[TracedPassage], root: Path) -> int:
    """Prints what was found; returns 1 where an expert lacks, or was trained while answering."""
    plan = folder_of(root, "wiki").plan()
    store = ExpertStore(FolderObjects(root / "store"), plan.space)
    experts, barren = trained.experts, store.barren.reasons
    lacking = {one.key for one in passages if one.key not in barren and not one.has_expert}
    places = Counter(entry.key for entry in store.entries())
    print(
        f"{experts.planned:,} passages: {experts.in_store:,} experts, {experts.without_pairs:,} give nothing to learn"
    )
    print(f"{experts.committed - experts.committed_distinct:,} trained more than once; a reader finds one of each")
    print(f"{len(passages)} passages retrieved by {NUM_QUESTIONS} questions, {len(lacking)} without their expert")
    print(f"{len(store) - experts.in_store} experts trained while answering")
    is_whole = experts.in_store + experts.without_pairs == experts.planned and not trained.aside
    is_one = set(places.values()) == {1}
    return 0 if is_whole and is_one and passages and not lacking and len(store) == experts.in_store else 1


def recipe(root: Path) -> tuple[str, ...]:
    """What both plans have in common."""
    return (
        "--store", str(root / "store"), "--model_name", str(root / "tiny"), "--preset", str(root / "quick.toml"),
        "--tokens_per_step", "256",
    )  # fmt: skip


def call(*arguments: str) -> None:
    """Calls a verb."""
    if run(list(arguments)):
        raise SystemExit(f"semoe {' '.join(arguments)} failed")


def folder_of(root: Path, name: str) -> RunFolder:
    """Returns a run of the store."""
    return RunFolder(FolderObjects(root / "store"), name)


if __name__ == "__main__":
    sys.exit(main())
