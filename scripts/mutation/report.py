"""What a run came to: how many survived, with the interval, and each survivor as a diff."""

import difflib
import json
from collections import Counter
from math import sqrt
from pathlib import Path
from typing import Any

ALIVE = ("survived", "not covered")
Result = dict[str, Any]


def wilson(count: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the 95 % interval of a share."""
    share = count / of
    spread = z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / of + spread / of / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def diff_of(path: str, before: str, after: str) -> str:
    """Returns a change as a diff with two lines around it."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", n=2, lineterm="")
    return "\n".join(lines)


def read_results(file: Path, digest: str) -> dict[str, Result]:
    """Returns the results so far of this tree, by mutant."""
    if not file.exists():
        return {}
    results = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {one["mutant"]: one for one in results if one["tree"] == digest}


def write_survivors(file: Path, results: list[Result]) -> None:
    """Writes the survivors, each with its diff, and those that hung: a busy machine may only have been slow."""
    parts = [summary_of(results)]
    for one in sorted(
        (one for one in results if one["outcome"] != "killed"), key=lambda one: (one["path"], one["line"])
    ):
        tests = f"{one['num_tests']} tests, {one['num_left_out']} left out"
        head = f"## {one['path']}:{one['line']} {one['outcome']} ({tests}, {one['operator']})"
        parts.append(f"{head}\n\n```diff\n{one['diff']}\n```")
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def summary_of(results: list[Result]) -> str:
    """Says in a line what a run came to."""
    counts = Counter(one["outcome"] for one in results)
    alive = sum(counts[outcome] for outcome in ALIVE)
    low, high = wilson(alive, len(results))
    kinds = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    return (
        f"{alive} of {len(results)} mutants survive: {alive / len(results):.1%}, "
        f"95 % interval {low:.1%} to {high:.1%} ({kinds})"
    )
