"""`semoe ask`: the same answers as `inference` and runs give, for a person, for a program, and one after the other."""

import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.cli.ask.conversation import PROMPT
from semoe.cli.ask.live import doubted
from semoe.generation.switching.trace import Probability
from semoe.store.objects.s3 import S3Objects
from tests.demo import DEMO
from tests.small_run import finish, planned

QUESTION = "In what city was Juha Jokela born?"
WAYS = ("none", "icl", "prag", "combine")
SHORT = ("--generate_max_length", "24", "--max_switches", "2")


@pytest.fixture(scope="module")
def taken(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One question taken through the published verbs up to its experts."""
    root = tmp_path_factory.mktemp("ask")
    place = ["--dataset", "popqa", "--root_dir", str(root)]
    index = ["--index_dir", str(small_root / "index")]
    assert run(["retrieve", *place, "--data_path", str(DEMO / "popqa"), "--sample", "1", *index]) == 0
    assert run(["augment", *place]) == 0
    assert run(["encode", *place, *recipe(small_root), "--tokens_per_step", "256", "--no-export"]) == 0
    return root


@pytest.fixture(scope="module")
def demo(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a demo leaves: a run in a store, its index beside it."""
    root = tmp_path_factory.mktemp("demo")
    shutil.copytree(small_root / "index", root / "index")
    finish(planned(small_root, root, "--sample", "1", "--index_dir", str(root / "index"), shards=1))
    return root


def recipe(root: Path) -> list[str]:
    return ["--model_name", str(root / "tiny"), "--preset", str(root / "quick.toml")]


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The one document that a command prints."""
    capsys.readouterr()
    assert run(["ask", *arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def predicted(root: Path, folder: str) -> dict[str, Any]:
    (path,) = root.glob(f"output/**/{folder}/total/predict.json")
    (record,) = json.loads(path.read_text())
    return dict(record)


def test_answers_are_those_of_inference(taken: Path, small_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = ["--index_dir", str(small_root / "index")]
    for way in WAYS:
        place = ["--dataset", "popqa", "--root_dir", str(taken)]
        assert run(["inference", *place, *recipe(small_root), "--inference_method", way]) == 0
    found = asked(
        capsys, QUESTION, "--root_dir", str(taken), *recipe(small_root), *index, "--compare", ",".join(WAYS)
    )  # fmt: skip
    for way, answer in zip(WAYS, found["answers"], strict=True):
        record = predicted(taken, way)
        assert record["question"] == QUESTION
        assert (answer["text"], answer["predicted"]) == (record["text"], record["eval_predict"]), way
        assert (answer["method"], answer["num_experts"]) == (way, record["num_experts"])
        assert "".join(word["text"] for word in answer["words"]) == record["text"]
        assert all(0 < word["p"] <= 1 for word in answer["words"])
    assert len({answer["text"] for answer in found["answers"]}) == 4


def test_an_answer_that_looks_things_up_is_that_of_inference(
    taken: Path, small_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = ["--index_dir", str(small_root / "index")]
    place = ["--dataset", "popqa", "--root_dir", str(taken)]
    assert run(["inference", *place, *recipe(small_root), *index, "--method", "token", *SHORT]) == 0
    found = asked(capsys, QUESTION, "--root_dir", str(taken), *recipe(small_root), *index, *SHORT)
    (answer,) = found["answers"]
    record = predicted(taken, "token-combine")
    drop = {"retrieve_ms"}
    assert (answer["text"], answer["counters"]) == (record["text"], record["counters"])
    assert [{k: v for k, v in one.items() if k not in drop} for one in answer["switches"]] == [
        {k: v for k, v in one.items() if k not in drop} for one in record["switches"]
    ]
    assert answer["switches"]
    assert "".join(word["text"] for word in answer["words"]) == record["text"]


def test_a_run_says_model_recipe_and_index(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, QUESTION, "--root_dir", str(demo), "--compare", "combine")
    records = [json.loads(path.read_text()) for path in demo.glob("store/runs/r/answers/combine/**/*.json")]
    assert found["answers"][0]["text"] == records[0][0]["text"]
    assert found["answers"][0]["passages"][0]["title"] == "Juha Jokela"


def test_a_store_in_s3_is_asked_as_one_in_a_folder(
    demo: Path,
    s3_objects: S3Objects,
    s3_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in (demo / "store").rglob("*"):
        if path.is_file():
            s3_objects.put(path.relative_to(demo / "store").as_posix(), path.read_bytes())
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    here = asked(capsys, QUESTION, "--root_dir", str(demo), "--compare", "prag")
    there = asked(capsys, QUESTION, "--store", s3_objects.url, "--retriever", "bm25", "--compare", "prag")
    for answer in (here["answers"][0], there["answers"][0]):
        del answer["seconds"], answer["first_word_seconds"]
    assert there == here


def test_a_folder_that_was_moved_is_asked_as_before(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = demo / "store/runs/r/plan.json"
    moved = shutil.copytree(demo, tmp_path / "moved")
    (moved / plan.relative_to(demo)).write_text(plan.read_text().replace(str(demo / "index"), "gone/index"))
    monkeypatch.chdir(tmp_path)
    assert asked(capsys, QUESTION, "--root_dir", "moved", "--compare", "icl")["answers"][0]["text"]


def test_a_person_sees_passages_words_and_answers_side_by_side(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", QUESTION, "--root_dir", str(demo), "--compare", "none,prag"]) == 0
    said = capsys.readouterr().out
    assert "+ Juha Jokela" in said
    assert "its expert comes" in said
    assert "\x1b" not in said
    assert re.search(r"first word after \d", said)
    assert "│ none" in said
    assert "│ prag" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Run `semoe demo --root_dir demo_run` first"),
        (["--root_dir", "elsewhere"], "Run `semoe demo --root_dir elsewhere` first"),
        (["--compare", "none,pragg"], "Did you mean 'prag'"),
        (["--compare", "icl,icl"], "names a way twice"),
        (["--lora_rank", "4"], "says nothing without --model_name"),
        (["--topk", "4"], "say --retrieve_topk"),
        (["--teach", "nowhere.txt"], "File not found"),
        (["--model_name", "smollm2", "--with_cot"], "worked examples of a dataset"),
        (["--model_name", "smollm2"], "No index in"),
        (["--method", "tokens"], "Did you mean 'token'"),
    ],
)
def test_mistakes_are_told_in_a_line_before_a_model_is_loaded(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["ask", QUESTION, *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_a_run_that_has_trained_nothing_yet_says_where_to_look(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small_root / "index", tmp_path / "index")
    planned(small_root, tmp_path, "--sample", "1", "--index_dir", str(tmp_path / "index"), shards=1)
    assert run(["ask", QUESTION, "--root_dir", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "Run r has no expert yet: `semoe status --run r`" in said
    assert "--compare none,icl" in said


def test_without_a_run_the_demo_that_is_near_is_named(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo_run/store").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert run(["ask", QUESTION]) == 2
    assert "add --root_dir demo_run" in capsys.readouterr().err
    (tmp_path / "taught").mkdir()
    assert run(["ask", QUESTION]) == 2
    assert "where --teach is given again" in capsys.readouterr().err
    assert run(["ask", " ", "--root_dir", str(demo)]) == 2
    assert "question is empty" in capsys.readouterr().err


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_lines_of_a_pipe_are_one_array_of_answers(
    demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, f"{QUESTION}\n\nWho directed Tampere?".encode())
    found = asked(capsys, "--root_dir", str(demo), "--compare", "none,icl")
    assert [one["question"] for one in found] == [QUESTION, "Who directed Tampere?"]
    assert all(len(one["answers"]) == 2 for one in found)


def test_a_line_that_is_no_text_is_the_users_mistake(
    demo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, b"Who?\n\xff\xfe\n")
    assert run(["ask", "--root_dir", str(demo), "--compare", "none"]) == 2
    told = capsys.readouterr()
    assert "Line 2 of the questions is not UTF-8" in told.err
    assert "answer:" in told.out
    assert "? Who?\n" in told.out, "each question stands before its answer"


def until_prompt(master: int, said: str, num_answers: int) -> str:
    """Reads a terminal until so many answers stand there and a prompt waits; returns all that it said."""
    ends = time.monotonic() + 120
    while said.count("first word") < num_answers or not said.endswith(PROMPT):
        assert time.monotonic() < ends, said
        if select.select([master], [], [], 1)[0]:
            said += os.read(master, 4096).decode(errors="replace")
    return said


def press(asking: "subprocess.Popen[bytes]", master: int, end: str) -> None:
    if end == "ctrl-d":
        os.write(master, b"\x04")
    else:
        asking.send_signal(signal.SIGINT)


@pytest.mark.parametrize("end", ["ctrl-d", "ctrl-c"])
def test_a_conversation_on_a_terminal_ends_cleanly(demo: Path, end: str) -> None:
    """A real terminal: with colours, but where NO_COLOR says no; two questions, one model."""
    no_colour = {"NO_COLOR": "1"} if end == "ctrl-c" else {}
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment = plain | {"TERM": "xterm-256color", "COLUMNS": "200"} | no_colour
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "semoe", "ask", "--root_dir", str(demo), "--compare", "none"]
    asking = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    try:
        said = until_prompt(master, "", 0)
        for number, question in enumerate((b"Who?\n", b"Where?\n"), 1):
            os.write(master, question)
            said = until_prompt(master, said, number)
        code = None
        # Between printing a prompt and waiting at it, Python's readline does not hear a signal: a person presses again.
        for _ in range(20):
            press(asking, master, end)
            with suppress(subprocess.TimeoutExpired):
                code = asking.wait(timeout=5)
                break
        assert code == 0
    finally:
        asking.kill()
        asking.wait()
        os.close(master)
    assert bool(re.search(r"\x1b\[3[123]m", said)) != bool(no_colour)
    assert "Traceback" not in said


NOTES = """# The bell of Ilmajoki

The bell of Ilmajoki was cast in 1713 by Gerhard Meyer in Stockholm. It fell from its tower in 1921.
Anna Kivela repaired the bell in 1924.

# The ferry

The ferry Aino crosses the lake from Lappi to Harju. Its captain is Pekka Saari.
"""


def test_a_text_of_ones_own_is_cut_trained_stored_and_asked(
    small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text(NOTES)
    arguments = ["Who repaired the bell?", "--teach", str(tmp_path / "notes.txt"), "--root_dir", str(tmp_path)]
    arguments += [*recipe(small_root), "--compare", "prag"]
    found = asked(capsys, *arguments)
    assert (found["taught"]["passages"], found["taught"]["experts"], found["taught"]["already_there"]) == (2, 2, 0)
    assert set(found["taught"]["seconds"]) == {"cut", "load", "index", "augment", "train", "store"}
    (answer,) = found["answers"]
    assert [one["title"] for one in answer["passages"]] == ["The bell of Ilmajoki"]
    assert (answer["num_experts"], answer["passages"][0]["has_expert"]) == (1, True)
    again = asked(capsys, *arguments)
    assert again["taught"]["already_there"] == 2
    assert again["answers"][0]["text"] == answer["text"]


@pytest.mark.parametrize(("has_p", "shown"), [(True, "It was Rome (0.25)."), (False, "It was Rome.")])
def test_what_is_in_doubt_has_a_probability_where_the_method_has_one(has_p: bool, shown: str) -> None:
    """`dragin` weighs words on a scale of its own."""
    one = Probability(text="Rome", start=7, p=0.75, is_hit=True)
    assert "".join(text for text, _ in doubted("It was Rome.", [one], has_p=has_p)) == shown
