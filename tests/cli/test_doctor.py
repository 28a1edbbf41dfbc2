import re
from pathlib import Path

import pytest

from semoe.cli import doctor
from semoe.cli.app import run
from tests.store.objects.answering import answering


def test_a_bucket_without_conditional_writes_is_refused_in_clear_words(
    s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(200) as (objects, _):
        for name, value in (s3_environment | {"AWS_ENDPOINT_URL_S3": objects._client.meta.endpoint_url}).items():
            monkeypatch.setenv(name, value)
        assert run(["doctor", "--store", "s3://bucket/x"]) == 1
    told = capsys.readouterr()
    assert "ignoresconditionalwrites" in "".join(told.out.replace("│", "").split())
    assert re.search(r"^To mend: store is unusable: .*ignores conditional writes", told.err, re.MULTILINE)


def test_a_bucket_with_them_is_fine(
    bucket: str, s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    assert run(["doctor", "--store", f"s3://{bucket}/doctor"]) == 0
    assert "keepsconditionalwrites" in "".join(capsys.readouterr().out.replace("│", "").split())


@pytest.mark.parametrize(
    ("reason", "said"),
    [(None, "by kernels, on the GPU"), ("Triton is not installed", "without its kernels: Triton is not installed")],
)
def test_it_says_whether_a_gpu_trains_by_kernels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reason: str | None, said: str
) -> None:
    """What the device says of itself stands in for a device."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "NVIDIA H200")
    monkeypatch.setattr("semoe.experts.roads.why_no_kernels_on", lambda device: reason)
    rows = {part: (state, detail) for part, state, detail in doctor._here(tmp_path)}
    assert rows["accelerator"] == ("ok", "NVIDIA H200")
    assert rows["training"][0] == "ok"
    assert said in rows["training"][1]
