"""The verbs of a planned run, on the stage that needs no model: retrieval over a few passages."""

import json
import subprocess
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import SemoeError, TransientError, UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.local import LocalBackend
from semoe.store.objects import FolderObjects
from tests.demo import DEMO, PASSAGES


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """A plan of eight questions in three shards, none of them retrieved for yet; returns run and store as options."""
    corpus, store = tmp_path / "few.tsv", ["--run", "r", "--store", str(tmp_path / "store")]
    corpus.write_text("".join(PASSAGES.read_text().splitlines(keepends=True)[:20]))
    index = ["--index_dir", str(tmp_path / "index")]
    assert run(["index", "--data_path", str(corpus), *index]) == 0
    what = ["--dataset", "popqa", "--data_path", str(DEMO / "popqa"), "--topk", "2", "--question_shards", "3"]
    assert run(["plan", *store, *what, *index, "--model_name", "smollm2", "--retrieve_later"]) == 0
    capsys.readouterr()
    return store


def retrieving(place: list[str], shard: int = 0) -> list[str]:
    return ["worker", *place, "--stage", "retrieve", "--shard", str(shard)]


def test_a_worker_leaves_each_count_in_a_file(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A workflow's step reads them as its outputs; a shard that was done before has told its counts already."""
    there, not_there = tmp_path / "new" / "counts", tmp_path / "none"
    assert run([*retrieving(place), "--counts_dir", str(there), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts["questions"] in (2, 3)
    assert {file.name: file.read_text() for file in there.iterdir()} == {
        name: str(int(count)) if count == int(count) else f"{count:g}" for name, count in counts.items()
    }
    assert run([*retrieving(place), "--counts_dir", str(not_there), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == counts
    assert not not_there.exists()


def test_a_shard_that_is_done_does_not_fail_for_its_counts(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    in_the_way = tmp_path / "counts"
    in_the_way.write_text("a file")
    assert run([*retrieving(place), "--counts_dir", str(in_the_way), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["stage"] == "retrieve"
    assert "the counts could not be left" in " ".join(told.err.split())


def test_logs_of_the_store_are_printed_though_no_cluster_answers(
    place: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(retrieving(place)) == 0
    capsys.readouterr()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert run(["logs", *place, "--namespace", "n"]) == 2
    assert "retrieve shard 0" in capsys.readouterr().out


def test_a_stage_has_no_shards_left_once_all_are_done(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for shard in range(3):
        assert run(["shards", *place, "--stage", "retrieve"]) == 0
        told.append(capsys.readouterr().out.strip())
        assert run(retrieving(place, shard)) == 0
        capsys.readouterr()
    assert run(["shards", *place, "--stage", "retrieve"]) == 0
    assert [*told, capsys.readouterr().out.strip()] == ["3", "3", "3", "0"]


@pytest.mark.parametrize(
    ("code", "attempts", "kind"),
    [(1, 1, SemoeError), (2, 1, UsageError), (75, 2, TransientError), (-9, 2, TransientError)],
)
def test_only_what_another_attempt_may_mend_is_tried_again(
    place: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, attempts: int, kind: type[SemoeError]
) -> None:
    """A bug and a wrong setting end the run at once. The worker is a script that ends as it is told."""
    script, started = tmp_path / "worker.sh", list["subprocess.Popen[bytes]"]()
    script.write_text("#!/bin/sh\necho the last word\n" + (f"exit {code}\n" if code >= 0 else f"kill {code} $$\n"))
    script.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(script))
    monkeypatch.setattr("semoe.runs.local.MAX_BACKOFF_SECONDS", 0.0)
    folder = RunFolder(FolderObjects(tmp_path / "store"), "r")
    with pytest.raises(kind, match=f"{code}.*the last word") as raised:
        LocalBackend(folder=folder, max_attempts=2, on_start=started.append).run()
    assert sum(process.args[process.args.index("--shard") + 1] == "0" for process in started) == attempts  # type: ignore[union-attr, index]
    assert (type(raised.value) is TransientError) == (kind is TransientError)
    assert "the last word" in folder.read_text("logs/retrieve/00000-attempt-1.log")
