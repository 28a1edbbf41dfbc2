"""An option that the published command has and ours has not is answered with what to do in its stead."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.options import IndexOptions
from semoe.cli.published import _searched
from semoe.retrieval.bm25 import build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.retriever import RetrievalConfig
from tests.demo import DEMO, PASSAGES


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["encode", "--data_path=d"], "give --data_path to `semoe retrieve`"),
        (["inference", "--data_path", "d"], "give --data_path to `semoe retrieve`"),
    ],
)
def test_it_is_told_to_people_and_programs(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(arguments) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert run([*arguments, "--json"]) == 2
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert "No such option" in message
    assert words in message


def test_the_published_augment_retrieves_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its command names the dataset's folder and knows no `retrieve` before it."""
    place = ["--root_dir", str(tmp_path), "--dataset", "popqa", "--model_name", "parse", "--sample", "2", "--topk", "2"]
    asked = ["augment", *place, "--data_path", str(DEMO / "popqa"), "--index_dir", str(tmp_path / "index")]
    assert run(asked) == 2
    assert "Run `semoe index` first" in " ".join(capsys.readouterr().err.split())
    build_index(read_passages(PASSAGES), tmp_path / "index" / "wiki")
    assert run([*asked, "--json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["questions"], report["folder"]) == (2, str(tmp_path / "data_aug" / "popqa" / "parse"))
    augmented = tmp_path / "data_aug" / "popqa" / "parse" / "total.json"
    written = augmented.read_bytes()
    assert [len(question["passages"]) for question in json.loads(written)] == [2, 2]
    augmented.unlink()
    assert run(["augment", *place]) == 0
    assert augmented.read_bytes() == written, "as if `retrieve` had been asked first"


def test_where_there_is_nothing_to_say_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["retrieve", "--dir", "d", "--json"]) == 2
    assert "`semoe retrieve`" not in capsys.readouterr().err


def test_answers_with_another_reranker_are_others() -> None:
    """What decides an answer is in its record, so that answers of one reranker are not taken for another's."""
    where = RetrievalConfig(reranker="one")
    for name, differs in (("bm25", False), ("bm25/rerank", True)):
        place = IndexOptions(retriever=name)
        assert (_searched(place, where) != _searched(place, replace(where, reranker="other"))) is differs
