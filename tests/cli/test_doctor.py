import pytest

from semoe.cli.app import run
from tests.store.objects.answering import answering


def test_a_bucket_without_conditional_writes_is_refused_in_clear_words(
    s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(200) as (objects, _):
        for name, value in (s3_environment | {"AWS_ENDPOINT_URL_S3": objects._client.meta.endpoint_url}).items():
            monkeypatch.setenv(name, value)
        assert run(["doctor", "--store", "s3://bucket/x"]) == 1
    said = "".join(capsys.readouterr().out.replace("│", "").split())
    assert "ignoresconditionalwrites" in said


def test_a_bucket_with_them_is_fine(
    bucket: str, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    assert run(["doctor", "--store", f"s3://{bucket}/doctor"]) == 0
    assert "keepsconditionalwrites" in "".join(capsys.readouterr().out.replace("│", "").split())
