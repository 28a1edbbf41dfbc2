"""A whole run from its plan to its report, and what every verb says of it; a second one has nothing to do."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.local import LocalBackend
from semoe.runs.report import RunReport
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.store.objects import FolderObjects
from tests.small_run import finish, is_whole, plan, planned
from tests.store.objects.wrapped import Wrapped


@dataclass(frozen=True)
class Done:
    """A run of two shards that was done by workers of its own."""

    folder: RunFolder
    report: RunReport
    num_processes: int

    @property
    def place(self) -> list[str]:
        return ["--run", "r", "--store", self.folder.objects.url]


@pytest.fixture(scope="module")
def done(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder, processes = planned(small_root, tmp_path_factory.mktemp("done"), shards=2), list[object]()
    LocalBackend(folder=folder, parallelism=2, on_start=processes.append).run()
    return Done(folder, make_report(folder), len(processes))


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def test_each_shard_of_each_stage_has_a_process_and_all_is_done(done: Done) -> None:
    assert done.num_processes == 6
    assert is_whole(done.report)


def test_a_run_that_is_done_starts_no_process(done: Done) -> None:
    processes = list[object]()
    LocalBackend(folder=done.folder, on_start=processes.append).run()
    assert not processes


def test_a_shard_that_is_done_costs_one_read(done: Done) -> None:
    counted = Wrapped(done.folder.objects)
    run_shard(RunFolder(counted, "r"), "encode", 0)
    assert len(counted.reads) == 1


def test_status_says_that_every_shard_is_finished(done: Done, capsys: pytest.CaptureFixture[str]) -> None:
    stages = json.loads(told(capsys, "status", *done.place, "--format", "json"))
    assert [(one["num_shards"], one["finished"]) for one in stages] == [(2, 2)] * 4


def test_a_report_is_that_of_the_run(done: Done, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(told(capsys, "report", *done.place, "--json"))
    assert all(0 <= score <= 1 for one in report["overall"] for score in one["scores"].values())
    assert report["experts"]["planned"] == (done.report.experts.planned)


def test_logs_are_those_of_the_shard(done: Done, capsys: pytest.CaptureFixture[str]) -> None:
    assert "encode shard 1" in told(capsys, "logs", *done.place, "--stage", "encode", "--shard", "1")


def test_a_run_is_exported_as_the_published_tree(
    done: Done, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = json.loads(told(capsys, "export", *done.place, "--to", str(tmp_path), "--json"))
    assert (exported["num_questions"], exported["num_experts"]) == (8, done.report.experts.in_store)
    folders = list(tmp_path.glob("offline/tiny/*/popqa/*/*/total/data_*/passage_*"))
    assert len(folders) == exported["num_folders"]
    assert (tmp_path / "data_aug" / "popqa" / "parse" / "total.json").exists()
    (answers,) = tmp_path.glob("output/tiny/*/popqa/*/*/combine/total/predict.json")
    assert [record["did"] for record in json.loads(answers.read_text())] == list(range(8))


def test_another_run_over_the_same_questions_finds_every_expert(small_root: Path, done: Done) -> None:
    assert run(plan(small_root, done.folder.objects.url, name="again")) == 0
    again = finish(RunFolder(done.folder.objects, "again"))
    assert (again.experts.committed, again.experts.in_store) == (0, done.report.experts.in_store)
    assert [one.scores for one in again.overall] == [one.scores for one in done.report.overall]


SHARDS = ("--shards", "3", "--question_shards", "2")


@pytest.fixture
def later(small_root: Path, tmp_path: Path) -> RunFolder:
    """A plan that leaves retrieval to the run, as on a cluster, whose index is out of the plan's reach."""
    store = tmp_path / "later"
    assert run(plan(small_root, str(store), *SHARDS, "--retrieve_later", "--json")) == 0
    return RunFolder(FolderObjects(store), "r")


def retrieve(folder: RunFolder) -> None:
    for shard in range(2):
        run_shard(folder, "retrieve", shard)


def shards(folder: RunFolder, stage: str, capsys: pytest.CaptureFixture[str]) -> int:
    """How many are left of it."""
    return int(told(capsys, "shards", "--run", "r", "--stage", stage, "--store", folder.objects.url))


def test_before_retrieval_its_shards_alone_are_known(later: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert later.manifest() is None
    assert shards(later, "retrieve", capsys) == 2


def test_once_it_retrieved_a_run_is_that_of_a_plan_that_did(
    small_root: Path, later: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retrieve(later)
    assert [shards(later, stage, capsys) for stage in ("retrieve", "augment", "inference")] == [0, 3, 2]
    assert run(plan(small_root, str(tmp_path / "now"), *SHARDS)) == 0
    assert later.manifest() == RunFolder(FolderObjects(tmp_path / "now"), "r").manifest()


def test_a_run_that_retrieves_is_done_to_its_end(later: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    retrieve(later)
    assert is_whole(finish(later))
    assert shards(later, "encode", capsys) == 0


def test_processes_find_out_after_retrieval_what_there_is_to_do(small_root: Path, tmp_path: Path) -> None:
    assert run(plan(small_root, str(tmp_path / "store"), "--sample", "1", "--retrieve_later")) == 0
    folder, processes = RunFolder(FolderObjects(tmp_path / "store"), "r"), list[object]()
    LocalBackend(folder=folder, on_start=processes.append).run()
    assert len(processes) == 4
    assert make_report(folder).experts.planned == 3


def test_its_page_opens_offline_with_scores_losses_costs_and_plots(done: Done, tmp_path: Path) -> None:
    assert run(["report", *done.place, "--html", str(tmp_path)]) == 0
    shown = (tmp_path / "report-r.html").read_text()
    for said in ("Finished ", "Scores: popqa, total", "mean loss at their last step", "Slowest shards", "worker hours"):
        assert said in shown
    assert shown.count("<svg") == 3  # scores, experts a second, losses
    assert "http" not in shown.replace("http://www.w3.org", "")  # names of SVG's spaces, which nothing fetches
