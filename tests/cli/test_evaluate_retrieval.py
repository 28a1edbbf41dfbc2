"""What a retriever finds is scored from the command line."""

import json
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.datasets.loading import load_dataset
from semoe.evaluation.retrieval import look_at
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from tests.demo import DEMO

QUESTIONS = ["--retrieval", "--dataset", "popqa", "--data_path", str(DEMO / "popqa")]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    build_index(read_passages(DEMO / "passages.tsv"), folder / "wiki")
    return folder


def test_figures_are_those_of_looking_at_every_question(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *QUESTIONS, "--index_dir", str(index), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    questions = load_dataset("popqa", DEMO / "popqa")
    hits = Bm25Retriever(index / "wiki").search([one.question for one in questions], 20)
    found = [look_at(question, own) for question, own in zip(questions, hits, strict=True)]
    figures = {one["what"]: one for one in told["figures"]}
    for what, values in (
        ("answer in the first 3", [one.answer(3) for one in found]),
        ("its title in the first 3", [one.all_titles(3) for one in found]),
        ("mean reciprocal rank of an answer", [one.reciprocal_rank for one in found]),
    ):
        assert figures[what]["num_questions"] == len(questions)
        assert figures[what]["percent"]["mean"] == pytest.approx(100 * sum(values) / len(values))
    assert told["num_passages"] == len(list(read_passages(DEMO / "passages.tsv")))


def test_a_table_says_how_large_the_index_is_and_a_plot_is_drawn(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--index_dir", str(index), "--retriever", "bm25/names", "--sample", "4"]
    assert run(["evaluate", *QUESTIONS, *place, "--plot", str(tmp_path / "found.svg")]) == 0
    told = capsys.readouterr()
    assert "bm25/names, popqa" in told.out
    assert "published Wikipedia has 21,015,324" in " ".join(told.err.split())
    assert "<svg" in (tmp_path / "found.svg").read_text()
    assert run(["evaluate", *QUESTIONS, *place, "--plot", str(tmp_path / "found.doc")]) == 2
    assert "Give a file .svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give folders of answers, or --retrieval"),
        (["--retrieval", "--dataset", "popqa"], "takes --dataset and --data_path"),
        (["some/folder", *QUESTIONS], "no folders"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
