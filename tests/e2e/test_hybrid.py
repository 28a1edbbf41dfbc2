"""A published experiment as one workflow, over words and vectors: pods plan it, make vectors and both indexes, search,
train, answer, and write its report.
"""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from semoe.cli.cluster.argo import template_name
from semoe.reproduction.written import read_report
from tests.e2e.cluster import NAMESPACE, command, forwarded, get, semoe
from tests.e2e.conftest import DATA, STORE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
RETRIEVER = "elasticsearch+elasticsearch-dense/names"
PLACE = ("--run", "hybrid", "--store", STORE)
CONFIG = "popqa-smollm2"
GIVEN = {
    "run": "hybrid", "store": STORE, "config": CONFIG, "data_dir": "s3://semoe/data", "sample": "2", "shards": "1",
    "retriever": RETRIEVER, "index_name": "demo", "data_path": "s3://semoe/corpora/demo.tsv",
    "parts": "s3://semoe/demo", "shares": "2",
}  # fmt: skip


def test_an_experiment_is_done_by_one_workflow_with_what_words_and_vectors_find(
    installed: None, s3: dict[str, str], tmp_path: Path
) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3["AWS_ENDPOINT_URL_S3"], region_name=s3["AWS_DEFAULT_REGION"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"], aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    client.upload_file(str(DATA / "passages.tsv"), "semoe", "corpora/demo.tsv")
    client.upload_file(str(DATA / "popqa" / "popQA.tsv"), "semoe", "data/popqa/popQA.tsv")
    given = [word for name, value in GIVEN.items() for word in ("-p", f"{name}={value}")]
    template = f"workflowtemplate/{template_name('experiment')}"
    command("argo", "submit", "--from", template, "-n", NAMESPACE, "--wait", *given)
    kept = [one["Key"] for one in client.list_objects_v2(Bucket="semoe", Prefix="demo/vectors/")["Contents"]]
    assert len([name for name in kept if name.endswith(".npy")]) == 1
    report: dict[str, Any] = json.loads(semoe("report", *PLACE, "--json", **s3))
    assert [one["num_questions"] for one in report["overall"]] == [2] * 6
    assert report["experts"]["in_store"] + report["experts"]["without_pairs"] == report["experts"]["planned"] > 3
    there, here = tmp_path / "there", tmp_path / "here"
    semoe("export", *PLACE, "--to", str(there), **s3)
    with elasticsearch() as reach:
        semoe(
            "retrieve", "--root_dir", str(here), "--dataset", "popqa", "--data_path", str(DATA / "popqa"), "--sample",
            "2", "--retriever", RETRIEVER, "--index_name", "demo", **reach,
        )  # fmt: skip
    assert found_in(there, "data_aug/**/total.json") == found_in(here, "retrieved/**/total.json")
    answers = list(there.glob("output/**/predict.json"))
    assert len(answers) == 6
    assert all(one["text"] for path in answers for one in json.loads(path.read_text()))
    # Here the same experiment finds its run done: it submits nothing, and writes the report that the pod wrote.
    semoe(
        "reproduce", "--config", CONFIG, *PLACE, "--data_dir", "s3://semoe/data", "--sample", "2", "--shards", "1",
        "--retriever", RETRIEVER, "--index_name", "demo", "--retrieve_later", "--backend", "argo", "--namespace",
        NAMESPACE, "--to", str(tmp_path / "report"), **s3,
    )  # fmt: skip
    assert len(get("workflows", "-l", "semoe/run=hybrid")["items"]) == 1
    client.download_file("semoe", "experts/runs/hybrid/reproduction/report.json", str(tmp_path / "of_the_pod.json"))
    ours, of_the_pod = read_report(tmp_path / "report" / "report.json"), read_report(tmp_path / "of_the_pod.json")
    assert (ours.cells, ours.changed, ours.cost) == (of_the_pod.cells, of_the_pod.changed, of_the_pod.cost)
    assert {one.num_questions for one in ours.cells} == {2}


@contextmanager
def elasticsearch() -> Iterator[dict[str, str]]:
    """Yields how a command here reaches the cluster's."""
    secret = get("secret", "elasticsearch-client")["data"]
    with forwarded("service/elasticsearch", 9200) as url:
        user = {f"SEMOE_ES_{key.upper()}": b64decode(secret[key]).decode() for key in ("username", "password")}
        yield {"SEMOE_ES_URL": url} | user


def found_in(tree: Path, pattern: str) -> list[list[str]]:
    """Returns the passages of each question."""
    (path,) = tree.glob(pattern)
    return [one["passages"] for one in json.loads(path.read_text())]
