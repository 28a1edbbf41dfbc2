"""All answers of a run read one state of the space, which its report names and another run can read again."""

import json
import shutil
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.store.expert_store import ExpertStore
from semoe.store.kept_states import find_state
from semoe.store.objects import FolderObjects
from semoe.store.state import KeptState, StoreState
from semoe.store.upkeep import compact, withdraw
from tests.small_run import finish, plan, planned
from tests.store.blobs import blob
from tests.store.objects.wrapped import Wrapped


@pytest.fixture(scope="module")
def trained(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a run of three questions that is done."""
    place = tmp_path_factory.mktemp("states")
    finish(planned(small_root, place, "--sample", "3", "--inference_method", "none,combine", shards=2))
    return place / "store"


@pytest.fixture
def done(trained: Path, tmp_path: Path) -> RunFolder:
    """The run, in a copy of the store."""
    return RunFolder(FolderObjects(shutil.copytree(trained, tmp_path / "store")), "r")


def space(folder: RunFolder) -> ExpertStore:
    return ExpertStore(folder.objects, folder.plan().space)


def train_elsewhere(folder: RunFolder, number: int) -> None:
    """What a run over other passages does to the space."""
    assert space(folder).publish([blob(number)], run="other", shard=0, token="t") == 1


def planning(root: Path, folder: RunFolder, *more: str, name: str) -> list[str]:
    return [
        *plan(root, folder.objects.url, "--sample", "3", "--shards", "3", "--experts_of", "r", *more, name=name),
        "--inference_method", "none,combine",
    ]  # fmt: skip


def states_of(folder: RunFolder, method: str) -> list[StoreState | None]:
    found = [json.loads(folder.read_text(f"answers/{method}/{n}")) for n in folder.names(f"answers/{method}/")]
    return [StoreState.from_json(one["state"]) if "state" in one else None for part in found for one in part]


def test_a_report_an_export_and_every_answer_name_the_state(
    done: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = make_report(done)
    (state,) = report.states
    assert state == done.read("state.json", KeptState).state
    assert state.num_experts == report.experts.in_store > 5
    assert states_of(done, "combine") == [state] * 3
    assert states_of(done, "none") == [None] * 3
    place = ["--run", "r", "--store", done.objects.url]
    capsys.readouterr()
    assert run(["report", *place]) == 0
    assert f"--snapshot {state.digest}" in capsys.readouterr().out
    assert run(["export", *place, "--to", str(tmp_path / "to")]) == 0
    (answers,) = tmp_path.glob("to/output/**/combine/total/predict.json")
    assert {one["state"]["digest"] for one in json.loads(answers.read_text())} == {state.digest}


def test_workers_that_begin_later_read_what_the_first_one_read(small_root: Path, done: RunFolder) -> None:
    assert run(planning(small_root, done, name="later")) == 0
    later = RunFolder(done.objects, "later")
    for shard in range(3):
        run_shard(later, "inference", shard)
        train_elsewhere(done, shard)
        compact(space(done))
    (state,) = make_report(later).states
    (first,) = make_report(done).states
    assert state.digest == first.digest
    assert states_of(later, "combine") == [state] * 3


class Reader(Wrapped):
    """A store as pods that answer may have it: they write below `runs/` and nowhere else."""

    def put(self, name: str, *data: bytes) -> None:
        if not name.startswith("runs/"):
            raise UsageError(f"may not write {name}", kind="s3-forbidden")
        super().put(name, *data)

    def create(self, name: str, data: bytes) -> bool:
        if not name.startswith("runs/"):
            raise UsageError(f"may not write {name}", kind="s3-forbidden")
        return super().create(name, data)


def test_workers_that_may_write_their_run_alone_read_one_state(
    small_root: Path, done: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    train_elsewhere(done, 0)
    assert run(planning(small_root, done, name="later")) == 0
    later = RunFolder(Reader(done.objects), "later")
    for shard in range(3):
        run_shard(later, "inference", shard)
        train_elsewhere(done, shard + 1)
    assert not [one for one in caplog.records if one.levelname == "WARNING"]
    (state,) = make_report(RunFolder(done.objects, "later")).states
    assert states_of(later, "combine") == [state] * 3
    assert find_state(done.objects, state.space, state.digest).state == state


class Second(Wrapped):
    """A store in which another worker says first which state is read."""

    first = b""

    def create(self, name: str, data: bytes) -> bool:
        if name.endswith("/state.json"):
            super().create(name, self.first)
        return super().create(name, data)


def test_of_two_workers_that_begin_at_once_the_first_says_what_is_read(small_root: Path, done: RunFolder) -> None:
    (first,) = make_report(done).states
    assert run(planning(small_root, done, name="later")) == 0
    train_elsewhere(done, 0)
    objects = Second(done.objects)
    objects.first = done.objects.get("runs/r/state.json")
    run_shard(RunFolder(objects, "later"), "inference", 0)
    assert states_of(RunFolder(done.objects, "later"), "combine") == [first]


def test_a_plan_keeps_the_state_that_its_workers_read(small_root: Path, done: RunFolder) -> None:
    (first,) = make_report(done).states
    train_elsewhere(done, 0)
    again = planning(small_root, done, "--snapshot", first.digest[:6], name="again")
    assert run(again) == 0
    folder = RunFolder(done.objects, "again")
    assert folder.plan().snapshot == first.digest
    train_elsewhere(done, 1)
    assert run(again) == 0  # the same plan once more
    report = finish(folder)
    assert [one.digest for one in report.states] == [first.digest]
    assert [one.scores for one in report.overall] == [one.scores for one in make_report(done).overall]
    assert run(planning(small_root, done, name="now")) == 0
    now = RunFolder(done.objects, "now")
    run_shard(now, "inference", 0)
    assert now.read("state.json", KeptState).state.num_experts == first.num_experts + 2
    assert run(planning(small_root, done, "--snapshot", first.digest, name="now")) == 2


def test_a_plan_of_an_earlier_version_names_no_state(done: RunFolder) -> None:
    written = json.loads(done.read_text("plan.json"))
    assert written.pop("snapshot") == ""
    done.objects.put("runs/old/plan.json", json.dumps(written).encode())
    assert RunFolder(done.objects, "old").plan() == done.read("plan.json", Plan)


def test_a_report_of_an_earlier_version_names_no_state(done: RunFolder) -> None:
    written = json.loads(done.read_text("report.json"))
    del written["states"]
    done.objects.put("runs/r/report.json", json.dumps(written).encode())
    assert make_report(done).states == ()


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    capsys.readouterr()
    assert run(arguments) == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_plan_refuses_a_state_that_is_not_there_and_names_those_that_are(
    small_root: Path, done: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    (state,) = make_report(done).states
    said = refused(capsys, planning(small_root, done, "--snapshot", "nope", name="x"))
    assert "0 states 'nope'" in said
    assert state.digest in said
    withdraw(space(done), find_state(done.objects, state.space, state.digest).packs[0])
    assert "was withdrawn" in refused(capsys, planning(small_root, done, "--snapshot", state.digest, name="x"))
    assert not RunFolder(done.objects, "x").names("")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--experts_of", "r", "--inference_method", "icl"], "loads none"),
        (["--experts_of", "r", "--method", "token", "--missing", "train"], "--missing train adds experts"),
        ([], "it needs --experts_of"),
    ],
)
def test_a_plan_refuses_a_state_that_it_would_not_read(
    small_root: Path, done: RunFolder, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = plan(small_root, done.objects.url, "--sample", "1", "--snapshot", "ab", name="x")
    if "--method" in more:
        at = command.index("--inference_method")
        del command[at : at + 2]
    assert said in refused(capsys, [*command, *more])
