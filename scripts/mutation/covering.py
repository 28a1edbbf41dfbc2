"""Which tests run which lines: one run of the tests under coverage, each line with the names of its tests.

A process that a test starts is seen too: it finds its test's name in the environment.
"""

import json
import os
import subprocess
import sys
from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

from coverage import CoverageData

from scripts.mutation.mutants import Mutant

NOT_OURS = ("helm", "pipelines", "comparison", "retrieval", "datasets", "evaluation", "prompts", "e2e")
"""Folders of tests that do not reach the mutated ones, or need more than this machine."""
SETTINGS = """\
[run]
source = semoe
parallel = true
sigterm = true
patch = subprocess
context = ${PYTEST_CURRENT_TEST-}
data_file = .coverage
relative_files = true
disable_warnings = no-data-collected, module-not-measured, module-not-imported, couldnt-parse
"""


def record(tree: Path, into: Path) -> None:
    """Runs the tests of a copied tree; leaves `coverage` and `seconds.json` in a folder."""
    (tree / ".coveragerc").write_text(SETTINGS, encoding="utf-8")
    leave_out = [f"--ignore=tests/{folder}" for folder in NOT_OURS]
    command = ["-m", "coverage", "run", "--rcfile=.coveragerc", "-m", "pytest", "-q", "-p", "scripts.mutation.recorder"]
    paths = os.pathsep.join(filter(None, (str(tree), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": paths, "MUTATION_SECONDS": str((into / "seconds.json").absolute())}
    subprocess.run(
        [sys.executable, *command, *leave_out, "--hypothesis-seed=0"], cwd=tree, env=environment, check=False
    )
    subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], cwd=tree, env=environment, check=True)
    (tree / ".coverage").rename(into / "coverage")


class Covering:
    """Chooses the tests of a mutant."""

    def __init__(self, folder: Path) -> None:
        self.seconds: dict[str, float] = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))
        self._tests_of_file: dict[str, set[str]] = defaultdict(set)
        for test in self.seconds:
            self._tests_of_file[test.partition("::")[0]].add(test)
        data = CoverageData(str(folder / "coverage"))
        data.read()
        self._contexts = {path: data.contexts_by_lineno(path) for path in data.measured_files()}

    def tests_of(self, mutant: Mutant, limit_seconds: float) -> tuple[list[str], int]:
        """Returns the tests that run a mutant, quickest first, and how many the limit leaves out.

        A line that runs once in a process, for whichever test comes first, counts for all tests of its module; one that
        only an import runs, in a module of which no test runs anything else, counts for those of its folder.
        """
        lines = self._contexts.get(mutant.path, {})
        found = {one for number in range(mutant.lines[0], mutant.lines[1] + 1) for one in lines.get(number, ())}
        if found and (mutant.at_import or "" in found):
            found = self._contexts_below(mutant.path) or self._contexts_below(mutant.path.rpartition("/")[0] + "/")
        tests = sorted(self._named(found), key=lambda test: (self.seconds[test], test))
        used = list(accumulate(self.seconds[test] for test in tests))
        num_chosen = max(bisect_right(used, limit_seconds), min(1, len(tests)))
        return tests[:num_chosen], len(tests) - num_chosen

    def _contexts_below(self, prefix: str) -> set[str]:
        files = (lines for path, lines in self._contexts.items() if path.startswith(prefix))
        return {one for lines in files for own in lines.values() for one in own if one}

    def _named(self, contexts: set[str]) -> set[str]:
        """Names the tests of contexts; what one test sets up may be shared, so it counts for all tests of the file."""
        tests = set[str]()
        for context in contexts:
            test, _, phase = context.rpartition(" (")
            tests |= self._tests_of_file[test.partition("::")[0]] if phase == "setup)" else {test}
        return tests & self.seconds.keys()
