"""Runs one mutant: writes it into a copy of the tree and runs its tests there until one fails.

The tests run in a process forked from one that has imported torch and the like, but nothing of ours: importing them
anew would take longer than most tests.
"""

import multiprocessing
import os
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import pytest

Outcome = Literal["killed", "hung", "survived", "not covered"]
START_SECONDS = 40
"""What starting a server may take on a busy machine; on top comes what the tests took, several times."""
QUICK_SECONDS = 0.5
MEMORY_BYTES = 10 << 30
"""Of one process: a mutant that never stops filling a list ends with an error, not the machine."""
HEAVY = (
    "torch", "transformers.models.llama.modeling_llama", "transformers.models.qwen3.modeling_qwen3", "peft", "spacy",
    "boto3", "kubernetes", "pydantic", "typer", "matplotlib.pyplot",
)  # fmt: skip
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(list(HEAVY))


def check_tests(tree: Path, seconds: dict[str, float]) -> None:
    """Runs the quick tests without a mutant: where they fail, a mutant's failure would mean nothing.

    Called for all copies at once, to see that they do not disturb each other.
    """
    quick = [test for test, took in seconds.items() if took < QUICK_SECONDS]
    outcome, why = _run_tests(tree, quick, START_SECONDS, START_SECONDS + 10 * QUICK_SECONDS * len(quick))
    if outcome != "survived":
        raise SystemExit(f"The tests fail without a mutant ({outcome}): {why}. See `make test`.")


def run_mutant(tree: Path, path: str, source: str, tests: list[str], seconds: list[float]) -> tuple[Outcome, str]:
    """Returns what became of a mutant, and the line that tells which test failed and why."""
    if not tests:
        return "not covered", ""
    file = tree / path
    original = file.read_bytes()
    file.write_text(source, encoding="utf-8")
    try:
        return _run_tests(tree, tests, START_SECONDS + 5 * max(seconds), START_SECONDS + 10 * sum(seconds))
    finally:
        file.write_bytes(original)


def _run_tests(tree: Path, tests: list[str], test_limit_seconds: float, limit_seconds: float) -> tuple[Outcome, str]:
    code = tree / ".code"
    output = tree / ".output"
    code.unlink(missing_ok=True)
    process = _processes.Process(target=run_pytest, args=(str(tree), tests, round(test_limit_seconds)))
    process.start()
    try:
        process.join(limit_seconds)
        is_over = process.exitcode is not None
    finally:
        _end(process)
    if not is_over:
        return "hung", f"longer than {limit_seconds:.0f} s"
    if code.exists() and code.read_text(encoding="utf-8") == "0":
        return "survived", ""
    said = output.read_text(encoding="utf-8", errors="replace").splitlines() if output.exists() else []
    why = next(
        (line for line in reversed(said) if line.startswith(("FAILED ", "ERROR "))), said[-1] if said else "crashed"
    )
    return "hung" if "Timeout (>" in why else "killed", why


def run_pytest(tree: str, tests: list[str], test_limit_seconds: int) -> None:
    """Runs tests in their order until one fails, then ends this process; leaves pytest's exit code in `.code`."""
    os.setsid()
    os.chdir(tree)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    os.environ["PYTHONPATH"] = os.pathsep.join([tree, *filter(None, [os.environ.get("PYTHONPATH")])])
    # What was copied comes before the checkout, whatever led here.
    sys.path.insert(0, tree)
    output = os.open(".output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # pytest would complain that some plugins are imported already.
    options = ["-x", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestWarning"]
    code = pytest.main([*options, "--hypothesis-seed=0", f"--timeout={test_limit_seconds}", *tests])
    # Not the exit code: multiprocessing may lose it where several threads start processes.
    Path(".code").write_text(str(int(code)), encoding="utf-8")
    # A thread that a mutant left waiting is not waited for.
    os._exit(code)


def _end(process: BaseProcess) -> None:
    """Ends what is left of a process and of what its tests started, a server for one."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
