"""Words and vectors together, on a real cluster: pods make vectors, one makes both indexes, pods search and answer."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.cluster import NAMESPACE, forwarded, get, semoe
from tests.e2e.conftest import DATA, QUICK, STORE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
RETRIEVER = "elasticsearch+elasticsearch-dense/names"
PLACE = ("--run", "hybrid", "--store", STORE)


def test_a_run_answers_with_what_words_and_vectors_find(installed: None, s3: dict[str, str], tmp_path: Path) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3["AWS_ENDPOINT_URL_S3"], region_name=s3["AWS_DEFAULT_REGION"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"], aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    client.upload_file(str(DATA / "passages.tsv"), "semoe", "corpora/demo.tsv")
    # A learning rate, and so a space of experts, of its own: other tests count what their runs trained.
    semoe(
        "plan", *PLACE, "--dataset", "popqa", "--data_path", str(DATA / "popqa"), "--sample", "2", "--model_name",
        "smollm2", "--preset", QUICK, "--learning_rate", "0.0005", "--retriever", RETRIEVER, "--index_name", "demo",
        "--retrieve_later", "--shards", "1", "--question_shards", "1", "--inference_method", "combine", **s3,
    )  # fmt: skip
    semoe(
        "run", *PLACE, "--backend", "argo", "--namespace", NAMESPACE, "--corpus", "s3://semoe/corpora/demo.tsv",
        "--parameter", "parts=s3://semoe/demo", "--parameter", "shares=2", **s3,
    )  # fmt: skip
    kept = [one["Key"] for one in client.list_objects_v2(Bucket="semoe", Prefix="demo/vectors/")["Contents"]]
    assert len([name for name in kept if name.endswith(".npy")]) == 1
    report: dict[str, Any] = json.loads(semoe("report", *PLACE, "--json", **s3))
    assert [one["num_questions"] for one in report["overall"]] == [2]
    assert report["experts"]["in_store"] + report["experts"]["without_pairs"] == report["experts"]["planned"] > 3
    there, here = tmp_path / "there", tmp_path / "here"
    semoe("export", *PLACE, "--to", str(there), **s3)
    with elasticsearch() as reach:
        semoe(
            "retrieve", "--root_dir", str(here), "--dataset", "popqa", "--data_path", str(DATA / "popqa"), "--sample",
            "2", "--retriever", RETRIEVER, "--index_name", "demo", **reach,
        )  # fmt: skip
    assert found_in(there, "data_aug/**/total.json") == found_in(here, "retrieved/**/total.json")
    (answers,) = there.glob("output/**/predict.json")
    assert all(one["text"] for one in json.loads(answers.read_text()))


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
