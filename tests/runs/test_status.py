"""How far a run is, from what its workers left in the store."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from semoe.errors import CorruptError, UsageError
from semoe.experts.preset import load_preset
from semoe.runs.folder import RunFolder
from semoe.runs.plan import VERSION, Manifest, Plan, ShardSize
from semoe.runs.records import Failure, Heartbeat, ShardReport
from semoe.runs.shard_items import STAGES, shard_items
from semoe.runs.status import ALIVE_SECONDS, StageStatus, status_of
from semoe.store.objects import FolderObjects

NOW = 1_000_000.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run of two shards of questions, three and five of them, whose passages are not known yet."""
    monkeypatch.setattr("semoe.runs.status.time", SimpleNamespace(time=lambda: NOW))
    folder = RunFolder(FolderObjects(tmp_path), "r")
    folder.create("plan.json", plan(), Plan)
    return folder


def plan(version: int = VERSION) -> Plan:
    return Plan(
        run="r", model_name="m", preset=load_preset("semoe"), augmented_by="parse", sets=(), topk=3, retriever="bm25",
        question_shards=(ShardSize(num_items=3), ShardSize(num_items=5)), index_dir="i", index_name="wiki",
        methods=("none", "combine"), version=version,
    )  # fmt: skip


def beat(folder: RunFolder, shard: int, *, done: float, age: float = 0.0, seconds: float = 10.0) -> None:
    told = Heartbeat(done=done, total=20, time=NOW - age, seconds=seconds, worker="w")
    folder.write_heartbeat("encode", shard, told)


def finish(folder: RunFolder, shard: int) -> None:
    folder.write_report(ShardReport(stage="encode", shard=shard, seconds=1.0, time=NOW))


def with_passages(folder: RunFolder, shards: int = 6) -> None:
    sizes = tuple(ShardSize(num_items=number + 1) for number in range(shards))
    folder.write(
        "manifest.json", Manifest(num_passages=21, num_retrieved=24, num_tokens=9, passage_shards=sizes), Manifest
    )


def encoding(folder: RunFolder) -> StageStatus:
    (found,) = [one for one in status_of(folder) if one.stage == "encode"]
    return found


def test_workers_that_gave_a_sign_of_late_are_alive_the_others_silent(folder: RunFolder) -> None:
    with_passages(folder)
    beat(folder, 0, done=20.0)
    finish(folder, 0)
    beat(folder, 1, done=5.0, age=1.0)
    beat(folder, 2, done=8.0, age=ALIVE_SECONDS - 1, seconds=20.0)
    beat(folder, 3, done=10.0, age=ALIVE_SECONDS + 1, seconds=1.0)
    found = encoding(folder)
    assert (found.num_shards, found.finished, found.alive, found.silent) == (6, 1, 2, 1)
    assert (found.done, found.total) == (23.0, 60), "of what is begun and not finished, whoever is at work on it"
    assert found.items_per_second == pytest.approx(5 / 10 + 8 / 20), "of those that are alive alone"
    assert found.left == 60 - 23 + 5 + 6, "and of the shards that nobody began"
    assert found.seconds_left == pytest.approx(48 / 0.9)
    assert found.slowest == ((2, pytest.approx(8 / 20)), (1, pytest.approx(5 / 10)))


def test_a_worker_that_just_began_has_no_rate_yet(folder: RunFolder) -> None:
    beat(folder, 0, done=0.0, seconds=0.0)
    found = encoding(folder)
    assert (found.alive, found.items_per_second, found.seconds_left) == (1, 0, None)


def test_shards_of_passages_are_counted_once_they_are_known(folder: RunFolder) -> None:
    assert [one.num_shards for one in status_of(folder)] == [2, None, None, 2]
    with_passages(folder)
    found = status_of(folder)
    assert [one.stage for one in found] == list(STAGES)
    assert [one.num_shards for one in found] == [2, 6, 6, 2]
    assert [(one.alive, one.silent, one.finished) for one in found] == [(0, 0, 0)] * 4


def test_a_shard_holds_questions_answers_or_passages(folder: RunFolder) -> None:
    made = folder.plan()
    assert (shard_items("retrieve", made, None), shard_items("inference", made, None)) == ([3, 5], [6, 10])
    for stage in ("augment", "encode"):
        with pytest.raises(UsageError, match="no manifest"):
            shard_items(stage, made, None)
    with_passages(folder, 2)
    assert shard_items("encode", made, folder.manifest()) == [1, 2]
    with pytest.raises(UsageError, match="encode"):
        shard_items("encod", made, None)


def failed(folder: RunFolder, shard: int, worker: str, time: float, exit_code: int = 75) -> None:
    folder.write_failure(
        Failure(stage="encode", shard=shard, worker=worker, kind="k", message="m", exit_code=exit_code, time=time)
    )


def test_failures_are_those_of_unfinished_shards_the_oldest_first(folder: RunFolder) -> None:
    for shard, worker, time in ((0, "a", 9.0), (1, "b", 1.0), (2, "c", 5.0), (0, "d", 3.0)):
        failed(folder, shard, worker, time)
    finish(folder, 1)
    assert [one.worker for one in folder.failures("encode")] == ["d", "c", "a"]
    assert folder.failures("augment") == []


@pytest.mark.parametrize(("code", "is_final"), [(1, True), (2, True), (75, False)])
def test_only_what_asks_for_another_attempt_is_not_final(folder: RunFolder, code: int, is_final: bool) -> None:
    failed(folder, 0, "w", 1.0, exit_code=code)
    assert [one.is_final for one in folder.failures("encode")] == [is_final]


def test_keys_come_back_in_order(folder: RunFolder) -> None:
    keys = [f"{number:02x}" * 32 for number in (7, 3, 255)]
    folder.write_keys(keys)
    assert folder.keys() == keys


def test_a_run_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(FolderObjects(tmp_path), "r")
    folder.create("plan.json", plan(VERSION + 1), Plan)
    with pytest.raises(UsageError, match=f"version {VERSION + 1}"):
        folder.plan()


def test_what_is_created_stays_and_what_is_written_is_replaced(folder: RunFolder) -> None:
    assert folder.create("answers/a/0.json", [1], list[int])
    assert not folder.create("answers/a/0.json", [2], list[int])
    folder.write("answers/a/1.json", [3], list[int])
    folder.write("answers/a/1.json", [4, 5], list[int])
    assert folder.read_all("answers/a/", list[int]) == [1, 4, 5]


def test_what_is_not_of_its_type_is_named_and_what_is_not_there_is_none(folder: RunFolder) -> None:
    assert folder.find("answers/a/0.json", list[int]) is None
    folder.objects.put("runs/r/answers/a/0.json", b'["one"]')
    for read in (folder.read, folder.find):
        with pytest.raises(CorruptError, match=r"answers/a/0\.json"):
            read("answers/a/0.json", list[int])


def test_a_log_is_kept_by_stage_shard_and_worker(folder: RunFolder) -> None:
    folder.write_log("encode", 3, "w", "Ärger")
    assert folder.names("logs/") == ["encode/00003-w.log"]
    assert folder.read_text("logs/encode/00003-w.log") == "Ärger"
    assert folder.find_report("encode", 3) is folder.find_heartbeat("encode", 3) is None


def test_a_run_that_is_not_there_is_named_with_those_that_are(folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="There are: r"):
        RunFolder(folder.objects, "other").plan()
