import gzip
from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.retrieval.dpr import read_passages
from semoe.stages.corpus import open_corpus
from semoe.store.objects.reading import read_pieces
from semoe.store.objects.s3 import S3Objects
from tests.demo import PASSAGES
from tests.seaweed import client


@pytest.mark.parametrize("name", ["passages.tsv", "passages.tsv.gz"])
def test_a_file_and_an_object_give_the_same_passages(
    name: str,
    tmp_path: Path,
    s3_objects: S3Objects,
    s3_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    data = PASSAGES.read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    s3_objects.put(name, (tmp_path / name).read_bytes())
    wanted, told = list(read_passages(PASSAGES)), list[float]()
    here, there = open_corpus(str(tmp_path / name)), open_corpus(f"{s3_objects.url}/{name}")
    assert list(here.passages(told.append)) == wanted
    assert sum(told) == here.size == (tmp_path / name).stat().st_size
    assert list(there.passages()) == wanted
    assert here.identity == there.identity


@pytest.mark.parametrize(
    "key",
    [
        "it's all.tsv",
        "Wikipedia (2024)/part #1.tsv",
        "Æther/ψ+=&%20?.tsv",
        "a//b.tsv",
        "-x.tsv",
        'say "so", [1].tsv',
    ],
)
def test_an_object_may_be_called_as_people_call_files(
    key: str,
    s3_objects: S3Objects,
    s3_endpoint: str,
    s3_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    bucket, _, prefix = s3_objects.url.removeprefix("s3://").partition("/")
    client(s3_endpoint).put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=PASSAGES.read_bytes())
    assert list(open_corpus(f"{s3_objects.url}/{key}").passages()) == list(read_passages(PASSAGES))


def test_an_object_larger_than_a_piece_is_read_whole(s3_objects: S3Objects) -> None:
    data = bytes(range(256)) * 40
    s3_objects.put("large", data)
    assert read_pieces(s3_objects, "large", len(data), piece_bytes=1000).read() == data
    assert read_pieces(s3_objects, "large", len(data), 9000, piece_bytes=1000).read() == data[9000:]


def test_what_is_not_there_is_named(
    tmp_path: Path, s3_objects: S3Objects, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    for path in (str(tmp_path / "none.tsv"), f"{s3_objects.url}/none.tsv"):
        with pytest.raises(UsageError, match=r"none\.tsv"):
            open_corpus(path)
