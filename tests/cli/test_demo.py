"""`semoe demo` does the whole job, and what it tells a person to type next works as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from semoe.cli.app import run


def test_the_commands_that_the_demo_names_work(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = [
        "--model_name",
        str(small_root / "tiny"),
        "--preset",
        str(small_root / "quick.toml"),
        "--topk",
        "1",
        "--sample",
        "2",
    ]
    assert run(["demo", "--root_dir", "my demo", *quick]) == 0
    told = capsys.readouterr()
    assert "Everything lies in my demo" in told.out
    assert "not measured" not in told.out, "it has no option to measure with"
    assert re.findall(r"^  (\w+) +'.*'  \(F1 .*\)$", told.out, re.MULTILINE) == [
        "none", "icl", "prag", "combine", "prag_random"
    ]  # fmt: skip
    named = re.findall(r"semoe [^;\n]+", told.err[told.err.index("Look around:") :])
    assert [command.split()[1] for command in named] == ["experts", "report", "ask"]
    for command in named:
        assert run(shlex.split(command)[1:]) == 0
    shown = capsys.readouterr().out
    assert "+ Juha Jokela" in shown
    assert re.search(r"^answer: ", shown, re.MULTILINE)
