"""An option that the published command has and ours has not is answered with what to do in its stead."""

import json
from dataclasses import replace

import pytest

from semoe.cli.app import run
from semoe.cli.options import IndexOptions
from semoe.cli.published import _searched
from semoe.retrieval.retriever import RetrievalConfig


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["augment", "--data_path", "d", "--dataset", "popqa"], "give --data_path to `semoe retrieve`"),
        (["encode", "--data_path=d"], "give --data_path to `semoe retrieve`"),
        (["inference", "--data_path", "d"], "give --data_path to `semoe retrieve`"),
        (["evaluate", "--dir", "d"], "semoe evaluate FOLDER"),
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


def test_where_there_is_nothing_to_say_nothing_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["retrieve", "--dir", "d", "--json"]) == 2
    assert "semoe evaluate" not in capsys.readouterr().err


def test_answers_with_another_reranker_are_others() -> None:
    """What decides an answer is in its record, so that answers of one reranker are not taken for another's."""
    where = RetrievalConfig(reranker="one")
    for name, differs in (("bm25", False), ("bm25/rerank", True)):
        place = IndexOptions(retriever=name)
        assert (_searched(place, where) != _searched(place, replace(where, reranker="other"))) is differs
