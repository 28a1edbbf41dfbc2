import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from semoe.models.model import Model, load_model
from semoe.store.objects.s3 import S3Objects
from semoe.store.objects.s3_client import client_config
from tests.elasticsearch_node import Node, own_node
from tests.seaweed import client, seaweed
from tests.tiny import chatting_model_folder

_numbers = count()

# A shell starts its background jobs with Ctrl-C ignored, and children inherit it: those of the tests must hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with seaweed(tmp_path_factory.mktemp("seaweed")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def bucket(s3_endpoint: str) -> str:
    client(s3_endpoint).create_bucket(Bucket="experts")
    return "experts"


@pytest.fixture
def s3_objects(s3_endpoint: str, bucket: str) -> S3Objects:
    """An empty prefix of its own in one bucket: each bucket costs the server several volumes."""
    return S3Objects(bucket, f"some/prefix-{next(_numbers)}", client=client(s3_endpoint, config=client_config()))


@pytest.fixture
def s3_environment(s3_endpoint: str) -> dict[str, str]:
    """What a user would set for this server."""
    return {
        "AWS_ENDPOINT_URL_S3": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="session")
def elasticsearch_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that a test may kill and start again, with security on."""
    with own_node(tmp_path_factory.mktemp("elasticsearch")) as node:
        yield node


@pytest.fixture(scope="session")
def elasticsearch_url(request: pytest.FixtureRequest) -> str:
    """The address of a real node that asks for no credentials; tests use index names of their own."""
    return os.environ.get("SEMOE_TEST_ES_URL") or request.getfixturevalue("elasticsearch_node").url


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `tests/small_run.py` plans a run with; it is read, never written."""
    from tests.small_run import prepare  # imports transformers, which most tests do without

    return prepare(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model with a real tokenizer: it speaks nonsense, fast."""
    return load_model(str(chatting_model_folder(tmp_path_factory.mktemp("small") / "tiny")), device="cpu")
