"""A whole corpus on a real cluster: pods read ranges of an object in S3, one is deleted, nothing is left out."""

import json

import boto3
import pytest

from semoe.datasets.keys import passage_key
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.passage import Passage
from tests.e2e.cluster import NAMESPACE, kubectl, running, semoe, start, wait_until
from tests.e2e.conftest import DATA, QUICK

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
PLACE = ("--run", "corpus", "--store", "s3://semoe/corpus")
LINES = 41


def test_every_passage_of_an_object_gets_its_expert(installed: None, s3: dict[str, str]) -> None:
    client = boto3.client(
        "s3", endpoint_url=s3["AWS_ENDPOINT_URL_S3"], region_name=s3["AWS_DEFAULT_REGION"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"], aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    lines = (DATA / "passages.tsv").read_bytes().splitlines(keepends=True)[:LINES]
    client.put_object(Bucket="semoe", Key="corpora/some.tsv", Body=b"".join(lines))
    semoe(
        "plan", *PLACE, "--corpus", "s3://semoe/corpora/some.tsv", "--model_name", "smollm2", "--preset", QUICK,
        "--shards", "2", **s3,
    )  # fmt: skip
    run = start("run", *PLACE, "--backend", "argo", "--namespace", NAMESPACE, "--json", **s3)
    victim = wait_until(lambda: running("encode"), 600, "a training pod")[0]
    kubectl("delete", "pod", victim, "--wait=false", "--ignore-not-found")
    assert run.wait(900) == 0
    experts = json.loads(semoe("report", *PLACE, "--json", **s3))["experts"]
    assert experts["planned"] == len({passage_key(one.title, one.text) for one in passages()})
    assert experts["in_store"] + experts["without_pairs"] == experts["planned"]


def passages() -> list[Passage]:
    """The corpus, as it is read from its beginning."""
    return list(read_passages(DATA / "passages.tsv"))[: LINES - 1]
