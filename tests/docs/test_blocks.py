"""The pages' code blocks: those that can run here are run, each `semoe` command is one, each `make` has its target."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer

from semoe.cli.app import app, run
from tests.demo import DEMO, PASSAGES
from tests.docs.blocks import PAGES, ROOT, blocks, commands, inline_commands
from tests.tiny import chatting_model_folder

WITH_BLOCKS = [page for page in PAGES if blocks(page)]
NOTES = "# The bell\nThe bell of Ilmajoki was cast in 1713 by Gerhard Meyer. Matti Kivi repaired it in Vaasa in 1840.\n"
PROGRAM = typer.main.get_command(app)
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chatting_model_folder(tmp_path_factory.mktemp("model") / "smollm2")


@pytest.fixture
def place(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages take for given, with two questions; the model `smollm2` is a folder of that name, and fast."""
    (tmp_path / "smollm2").symlink_to(tiny)
    questions = (DEMO / "popqa/popQA.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "data/popqa").mkdir(parents=True)
    (tmp_path / "data/popqa/popQA.tsv").write_text("".join(questions[:3]), encoding="utf-8")
    shutil.copyfile(PASSAGES, tmp_path / "psgs_w100.tsv")
    (tmp_path / "notes.txt").write_text(NOTES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verb_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and the rest of them."""
    command: Any = PROGRAM
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def names_of(pattern: str) -> list[str]:
    return sorted(map(str, Path().glob(pattern)))


def run_bash(text: str, where: str) -> None:
    for words in commands(text):
        assert words[0] == "semoe", (
            f"{where}: `{words[0]}` is not run here: say why above the block (tests/docs/blocks.py)"
        )
        given = [
            name for word in words[1:] for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        assert run(given) == 0, f"{where}: {' '.join(words)}"


def run_page(page: str, marks: set[str]) -> None:
    """Blocks run in the page's order, Python's with one set of names."""
    names: dict[str, Any] = {"__name__": "page"}
    for one in blocks(page):
        where = f"{page}:{one.line}"
        if one.mark in marks and one.kind == "bash":
            run_bash(one.text, where)
        elif one.mark in marks:
            exec(compile(one.text, where, "exec"), names)


@pytest.mark.parametrize("page", [page for page in WITH_BLOCKS if any(not one.mark for one in blocks(page))])
def test_blocks_run(page: str, place: Path) -> None:
    run_page(page, {""})


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", [page for page in WITH_BLOCKS if any(one.mark == "slow" for one in blocks(page))])
def test_slow_blocks_run(page: str, place: Path) -> None:
    if "demo_run" in (ROOT / page).read_text(encoding="utf-8"):
        assert run(["demo"]) == 0
    run_page(page, {"", "slow"})


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_each_command_is_one(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verb, options and their values; a `make` has its target, a file of the repository is there."""
    monkeypatch.delenv("SEMOE_STORE", raising=False)
    for one in blocks(page):
        for program, *words in filter(None, commands(one.text) if one.kind == "bash" else ()):
            if program == "semoe":
                verb, rest = verb_of(words)
                verb.make_context(page, rest)
            if program == "make":
                assert words[0] in TARGETS, f"{page}:{one.line}"
            files = [word for word in words if re.match(r"(examples|helm|tests|docs|scripts|images)/[\w/.-]+$", word)]
            assert [name for name in files if not (ROOT / name).exists()] == [], f"{page}:{one.line}"


@pytest.mark.parametrize("page", [page for page in PAGES if inline_commands(page)])
def test_each_command_in_a_sentence_has_its_options(page: str) -> None:
    for text in inline_commands(page):
        for words in commands(text):
            verb, rest = verb_of(words[1:])
            known = {name for one in verb.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
            assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known, f"{page}: {text}"


def test_a_block_that_neither_runs_nor_says_why_is_found() -> None:
    with pytest.raises(AssertionError, match="say why"):
        run_bash("kubectl get pods\n", "a page")
