"""What a model's context had no room for is told where scores are: by inference, evaluate, and a run's report."""

import json
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.runs.folder import RunFolder
from semoe.runs.reporting import make_report
from semoe.runs.shard import run_shard
from semoe.store.objects import FolderObjects
from tests.demo import DEMO
from tests.published.encoding import inference, planning

ALL_FITS = {"short_of_passages": 0, "dropped_passages": 0, "cut_answers": 0, "not_asked": 0}


@pytest.fixture
def short(root: Path) -> Path:
    """A model with room for the question and no passage."""
    path = root / "tiny" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"max_position_embeddings": 100}))
    return root


def predicted(root: Path) -> dict[str, Any]:
    (path,) = root.glob("output/**/predict.json")
    (record,) = json.loads(path.read_text())
    assert isinstance(record, dict)
    return record


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(list(arguments)) == 0
    return " ".join(capsys.readouterr().out.split())


def test_answers_without_their_passages_are_told_once_and_stay_so(
    short: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):  # the second time there is nothing left to answer
        caplog.clear()
        shown = told(capsys, *inference(short, "icl"))
        assert caplog.text.count("context of 100 tokens was too short: 1 question of 1 lost 3 passages") == 1
        assert "dropped passages: 3" in shown
    assert (predicted(short)["dropped_passages"], predicted(short)["too_long"]) == (3, 0)


def test_the_table_of_scores_says_it_and_its_json_always_counts(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(inference(short, "icl")) == 0
    (folder,) = (path.parent for path in short.glob("output/**/predict.json"))
    assert "icl: 1 question of 1 lost 3 passages." in told(capsys, "evaluate", str(folder))
    found = json.loads(told(capsys, "evaluate", str(folder), "--json"))
    assert [one["overflow"]["dropped_passages"] for one in found] == [3, 3]


def test_where_all_fits_a_table_says_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert "dropped" not in told(capsys, *inference(root, "icl"))
    assert "too short" not in caplog.text
    (folder,) = (path.parent for path in root.glob("output/**/predict.json"))
    assert "Too long" not in told(capsys, "evaluate", str(folder))
    assert json.loads(told(capsys, "evaluate", str(folder), "--json"))[0]["overflow"] == ALL_FITS


def test_a_question_that_is_too_long_alone_is_named_and_counted(
    short: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = short / "data_aug/popqa/parse/total.json"
    records = json.loads(path.read_text())
    long = records[0] | {"test_id": 7, "question": "why " * 120}
    path.write_text(json.dumps([records[0], long]))
    assert "not asked: 1" in told(capsys, *inference(short, "none"))
    (predict,) = short.glob("output/**/predict.json")
    first, second = json.loads(predict.read_text())
    assert first["text"] != second["text"] == ""
    assert f"question 1 (test_id 7) has {second['too_long']} tokens" in caplog.text


def test_a_run_tells_it_in_its_shards_log_and_in_its_report(
    short: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert run([*planning(short)[:-1], "icl"]) == 0
    folder = RunFolder(FolderObjects(short / "store"), "r")
    run_shard(folder, "inference", 0)
    assert "icl: The model's context of 100 tokens was too short" in caplog.text
    report = make_report(folder)
    assert [one.overflow.dropped_passages for one in (*report.overall, *report.methods)] == [3, 3]
    place = ("report", "--run", "r", "--root_dir", str(short))
    assert "icl: 1 question of 1 lost 3 passages." in told(capsys, *place)
    assert json.loads(told(capsys, *place, "--json"))["overall"][0]["overflow"] == ALL_FITS | {
        "short_of_passages": 1,
        "dropped_passages": 3,
    }


def test_main_tells_it_and_keeps_it_with_each_answer(
    short: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    config = {
        "model_name_or_path": str(short / "tiny"), "method": "single-retrieval", "dataset": "popqa", "sample": 1,
        "data_path": str(DEMO / "popqa"), "output_dir": str(short / "r"), "generate_max_length": 4, "fewshot": 0,
    }  # fmt: skip
    (short / "main.json").write_text(json.dumps(config))
    shown = told(capsys, "main", "-c", str(short / "main.json"), "--index_dir", str(short / "index"), "--json")
    assert json.loads(shown)["dropped_passages"] == 3
    assert caplog.text.count("1 question of 1 lost 3 passages") == 1
    line = json.loads((short / "r/0/output.jsonl").read_text())
    assert line["dropped_passages"] == 3 == sum(one["dropped_passages"] for one in line["switches"])
    assert "lost 3 passages" in told(capsys, "evaluate", str(short / "r/0"))


def test_a_report_of_an_earlier_version_is_read(short: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*planning(short)[:-1], "combine"]) == 0
    folder = RunFolder(FolderObjects(short / "store"), "r")
    for stage in ("augment", "encode", "inference"):
        run_shard(folder, stage, 0)
    make_report(folder)
    path = short / "store/runs/r/report.json"
    report = json.loads(path.read_text())
    for one in (*report["overall"], *report["methods"]):
        del one["overflow"]
    for name in ("cut_sequences", "left_out_sequences", "sequences_beyond_context"):
        del report["counts"]["encode"][name]
    path.write_text(json.dumps(report))
    found = json.loads(told(capsys, "report", "--run", "r", "--root_dir", str(short), "--json"))
    assert found["overall"][0]["overflow"] == ALL_FITS
