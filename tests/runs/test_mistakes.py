"""What is wrong with a command about a run is named, and the command ends with the code of a user's mistake."""

from pathlib import Path

import pytest

from semoe.cli.app import run
from tests.small_run import plan, planned


@pytest.fixture(scope="module")
def store(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """It has one run of three shards, `r`, of which nothing is done."""
    folder = planned(small_root, tmp_path_factory.mktemp("mistakes"))
    return folder.objects.url


@pytest.fixture(scope="module")
def dear(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Run and store, as options, of a run that would cost a fortune."""
    store = str(tmp_path_factory.mktemp("dear") / "store")
    prices = ("--experts_per_second", "0.001", "--gpu_price", "100")
    assert run(plan(small_root, store, *prices, name="dear")) == 0
    return ["--run", "dear", "--store", store]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--topk", "2", "--shards", "3"], "exists with another topk"),
        (["--with_cot", "--dataset", "cwq", "--data_path", "x"], "one dataset"),
    ],
)
def test_a_plan_that_cannot_be_made_says_why(
    small_root: Path, store: str, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert run(plan(small_root, store, *more)) == 2
    assert words in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--run", "other"], "There are: r"),
        (["report", "--run", "r"], "is not finished"),
        (["worker", "--run", "r", "--stage", "encod", "--shard", "0"], "Did you mean 'encode'"),
        (["worker", "--run", "r", "--stage", "encode", "--shard", "9"], "shards 0 to 2, not 9"),
        (["run", "--run", "r", "--backend", "locl"], "'locl' is not one of 'local', 'argo'"),
        (["run", "--run", "../r"], "cannot name an object"),
    ],
)
def test_what_is_not_there_is_named(
    store: str, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run([*arguments, "--store", store]) == 2
    assert words in said(capsys)


@pytest.mark.parametrize(
    ("more", "words"), [([], "experts for up to"), (["--ask_above", "1"], "Nobody can be asked here: say --yes")]
)
def test_a_dear_run_is_not_begun_where_nobody_can_be_asked(
    dear: list[str], capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert run(["run", *dear, *more]) == 2
    assert words in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--run", "r", "--backend", "argo", "--namespace", "n"], "Set KUBECONFIG"),
        (["run", "--run", "r", "--backend", "argo", "--parameter", "gpus"], "give name=value"),
        (["status", "--run", "r", "--namespace", "n"], "Set KUBECONFIG"),
    ],
)
def test_without_a_cluster_what_needs_one_says_what_to_set(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], words: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert run([*arguments, "--store", store]) == 2
    assert words in said(capsys)


def test_a_damaged_manifest_is_named(small_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = planned(small_root, tmp_path)
    folder.objects.put("runs/r/manifest.json", b'{"num_passages": "many"}')
    assert run(["run", "--run", "r", "--store", str(tmp_path / "store")]) == 1
    assert "manifest.json is damaged" in said(capsys)
