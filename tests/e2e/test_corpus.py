"""A whole corpus on a real cluster: pods read ranges of an object in S3, one is deleted, nothing is left out.

Then the corpus grows, and the CronWorkflow of the workers' chart trains what is new.
"""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from pipelines.corpus import SETTINGS_DIR
from semoe.datasets.keys import passage_key
from semoe.retrieval.dpr import read_passages
from tests.e2e.cluster import NAMESPACE, ROOT, command, get, kubectl, running, semoe, start, wait_until
from tests.e2e.conftest import DATA, QUICK, VALUES
from tests.helm.cluster import explained

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
STORE = "s3://semoe/corpus"
PLACE = ("--run", "corpus", "--store", STORE)
COUNT = 40
GAINED = 6
CRON = "growing"
SETTINGS = f"""
[trained]
corpus = "s3://semoe/corpora/some.tsv"

[recipe]
model_name = "smollm2"
preset = "{SETTINGS_DIR}/preset.toml"

[cutting]
shards = 1
"""


@pytest.fixture(scope="module")
def bucket(s3: dict[str, str]) -> Any:
    """A client of the S3 server."""
    return boto3.client(
        "s3", endpoint_url=s3["AWS_ENDPOINT_URL_S3"], region_name=s3["AWS_DEFAULT_REGION"],
        aws_access_key_id=s3["AWS_ACCESS_KEY_ID"], aws_secret_access_key=s3["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(installed: None, s3: dict[str, str], bucket: Any) -> dict[str, int]:
    """The run `corpus`, which lost a training pod: what its report says of experts."""
    upload(bucket, COUNT)
    semoe(
        "plan", *PLACE, "--corpus", "s3://semoe/corpora/some.tsv", "--model_name", "smollm2", "--preset", QUICK,
        "--shards", "2", **s3,
    )  # fmt: skip
    run = start("run", *PLACE, "--backend", "argo", "--namespace", NAMESPACE, "--json", **s3)
    victim = wait_until(lambda: running("encode"), 600, "a training pod")[0]
    kubectl("delete", "pod", victim, "--wait=false", "--ignore-not-found")
    assert run.wait(900) == 0
    return experts_of("corpus", s3)


def test_every_passage_of_an_object_gets_its_expert(trained: dict[str, int]) -> None:
    assert trained["planned"] == len(keys(COUNT))
    assert trained["in_store"] + trained["without_pairs"] == trained["planned"]


def test_the_clock_trains_what_a_corpus_has_gained_and_nothing_else(
    trained: dict[str, int], s3: dict[str, str], bucket: Any
) -> None:
    """Submitted as its time would: over the corpus as it was, then over one with more passages."""
    schedule = {
        "enabled": True, "run": CRON, "schedule": "0 0 1 1 *", "settings": SETTINGS, "preset": Path(QUICK).read_text(),
    }  # fmt: skip
    values = VALUES + yaml.safe_dump({"corpusSchedule": schedule})
    command("helm", "upgrade", "semoe", str(ROOT / "helm" / "workers"), "-n", NAMESPACE, "-f", "-", text=values)
    assert CRON in command("argo", "cron", "list", "-n", NAMESPACE)
    same = experts_of(fired(), s3)
    assert (same["committed"], same["in_store"]) == (0, trained["in_store"])
    upload(bucket, COUNT + GAINED)
    more = experts_of(fired(), s3)
    assert more["planned"] == len(keys(COUNT + GAINED))
    assert more["in_store"] + more["without_pairs"] == more["planned"]
    assert more["committed"] == more["in_store"] - trained["in_store"] > 0


def fired() -> str:
    """Submits what the CronWorkflow would, and waits for its end; returns its name, which is the run's."""
    submitted = command(
        "argo", "submit", "--from", f"cronworkflow/{CRON}", "-n", NAMESPACE, "-p", f"store={STORE}", "-o", "name"
    )
    name = submitted.split()[-1]
    with explained(NAMESPACE):
        command("argo", "wait", name, "-n", NAMESPACE)
    assert [one["metadata"]["name"] for one in get("workflows", "-l", f"semoe/run={name}")["items"]] == [name]
    return name


def experts_of(run: str, s3: dict[str, str]) -> dict[str, int]:
    """What a run's report says of experts."""
    found: dict[str, int] = json.loads(semoe("report", "--run", run, "--store", STORE, "--json", **s3))["experts"]
    return found


def upload(bucket: Any, count: int) -> None:
    """Makes the corpus the header and so many of the demo's passages, each of which is a line."""
    lines = (DATA / "passages.tsv").read_bytes().splitlines(keepends=True)[: count + 1]
    bucket.put_object(Bucket="semoe", Key="corpora/some.tsv", Body=b"".join(lines))


def keys(count: int) -> set[str]:
    """Those of the first so many passages."""
    return {passage_key(one.title, one.text) for one in list(read_passages(DATA / "passages.tsv"))[:count]}
