"""`semoe index` and `semoe retrieve` with --retriever elasticsearch."""

import json
from pathlib import Path

import pytest

from semoe.cli.app import run
from tests.demo import DEMO, PASSAGES

POPQA = DEMO / "popqa"


def test_index_and_retrieve_work_as_with_the_embedded_index(
    elasticsearch_url: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--retriever", "elasticsearch", "--es_url", elasticsearch_url]
    index = ["index", *there, "--data_path", str(PASSAGES), "--es_index_name", name, "--json"]
    reports = [(run(index), json.loads(capsys.readouterr().out)) for _ in range(2)]
    count = reports[0][1]["passages"]
    assert [(code, report["passages"], report["already_there"]) for code, report in reports] == [
        (0, count, 0),
        (0, count, count),
    ]
    place = ["--dataset", "popqa", "--data_path", str(POPQA), "--sample", "4", "--root_dir", str(tmp_path)]
    assert run(["retrieve", *there, *place, "--index_name", name, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_questions"], report["num_passages"]) == (4, 12)


def test_exit_codes_tell_a_mistake_from_a_cluster_that_is_away(
    elasticsearch_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--dataset", "popqa", "--data_path", str(POPQA), "--root_dir", str(tmp_path), "--index_name", "nowhere"]
    for options, code, words in (
        (["--retriever", "elasticsearch", "--es_url", elasticsearch_url], 2, "No index nowhere"),
        (["--retriever", "elasticsearch", "--es_url", "http://127.0.0.1:9"], 75, "No answer from Elasticsearch"),
        (["--retriever", "elastic"], 2, "Did you mean 'elasticsearch'"),
    ):
        assert run(["retrieve", *place, *options]) == code
        assert words in " ".join(capsys.readouterr().err.split())
    assert run(["index", "--data_path", str(PASSAGES), "--retriever", "solr"]) == 2
    assert "Known: bm25, dense, dense-gpu, dense-hnsw, elasticsearch" in " ".join(capsys.readouterr().err.split())
