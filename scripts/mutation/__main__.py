"""Mutation testing: changes the code in small ways, one at a time, and sees whether a test fails.

python -m scripts.mutation

Not part of CI. mutmut's operators make the mutants; this draws a seeded sample, runs against each the tests that cover
it, and writes the survivors. Ctrl-C stops it, and the same command goes on. See docs/testing.md.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from scripts.mutation.covering import Covering, record
from scripts.mutation.mutants import Mutant, sample_mutants
from scripts.mutation.report import Result, diff_of, read_results, summary_of, write_survivors
from scripts.mutation.running import check_tests, run_mutant
from scripts.mutation.trees import copy_tree, digest_of, prepare_environment

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Draws, runs and reports."""
    args = _arguments()
    prepare_environment()
    args.out.mkdir(parents=True, exist_ok=True)
    digest = digest_of(ROOT)
    mutants, num_all = sample_mutants(ROOT, args.num, args.seed)
    print(f"{len(mutants)} of {num_all} mutants, tree {digest}, results in {args.out}")
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        covered = args.out / digest
        if not (covered / "coverage").exists():
            covered.mkdir(exist_ok=True)
            print("running the tests once, to see which lines each covers")
            record(copy_tree(ROOT, Path(folder, "recording")), covered)
        covering = Covering(covered)
        trees = [copy_tree(ROOT, Path(folder, f"worker-{number}")) for number in range(args.workers)]
        with ThreadPoolExecutor(len(trees)) as pool:
            list(pool.map(check_tests, trees, [covering.seconds] * len(trees)))
        run = _Run(args.out, digest, covering, args.limit_seconds, len(mutants))
        run.all(mutants, trees)
    write_survivors(args.out / "survivors.md", run.results)
    print(summary_of(run.results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.mutation", description=__doc__)
    parser.add_argument("--num", type=int, default=400, help="mutants in the sample")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--workers", type=int, default=2, help="mutants at a time")
    parser.add_argument("--limit_seconds", type=float, default=60, help="seconds of tests for a mutant, quickest first")
    parser.add_argument("--out", type=Path, default=ROOT / ".mutation", help="where results are kept")
    return parser.parse_args()


class _Run:
    def __init__(self, out: Path, digest: str, covering: Covering, limit_seconds: float, total: int) -> None:
        self._file = out / "results.jsonl"
        self._digest = digest
        self._covering = covering
        self._limit_seconds = limit_seconds
        self._total = total
        self._known = read_results(self._file, digest)
        self._lock = threading.Lock()
        self.results: list[Result] = []

    def all(self, mutants: Sequence[Mutant], trees: Sequence[Path]) -> None:
        free = list(trees)

        def one(mutant: Mutant) -> None:
            tree = free.pop()
            try:
                self._one(mutant, tree)
            finally:
                free.append(tree)

        pool = ThreadPoolExecutor(len(trees))
        try:
            for done in [pool.submit(one, mutant) for mutant in mutants]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _one(self, mutant: Mutant, tree: Path) -> None:
        before = mutant.module.code
        after = mutant.source()
        name = sha256(f"{mutant.path}\0{after}".encode()).hexdigest()[:12]
        tests, num_left_out = self._covering.tests_of(mutant, self._limit_seconds)
        known = self._known.get(name)
        # A survivor is run again where the limit now allows more tests.
        if known and (known["outcome"] != "survived" or known["num_tests"] >= len(tests)):
            self._keep(known, is_new=False)
            return
        start = time.monotonic()
        seconds = [self._covering.seconds[test] for test in tests]
        outcome, why = run_mutant(tree, mutant.path, after, tests, seconds)
        result = {
            "tree": self._digest, "mutant": name, "path": mutant.path, "line": mutant.line,
            "operator": mutant.operator, "outcome": outcome, "why": why, "num_tests": len(tests),
            "num_left_out": num_left_out, "seconds": round(time.monotonic() - start, 1),
            "diff": diff_of(mutant.path, before, after),
        }  # fmt: skip
        self._keep(result, is_new=True)

    def _keep(self, result: Result, *, is_new: bool) -> None:
        with self._lock:
            self.results.append(result)
            if not is_new:
                return
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            place = f"{result['path']}:{result['line']}"
            count = f"{len(self.results)}/{self._total}"
            print(f"{count:>9} {result['outcome']:11} {result['seconds']:6.1f} s  {place}", flush=True)


if __name__ == "__main__":
    main()
