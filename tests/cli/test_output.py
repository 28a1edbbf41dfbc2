"""What a user typed or a file holds is printed letter for letter, whatever the printing library would read in it."""

import ast
import json
from importlib import resources
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.cli.demo import _print_answer
from semoe.cli.output import out, show, show_rows, table, told_plainly
from semoe.errors import UsageError
from semoe.evaluation.scores import Scores
from semoe.evaluation.table import ReportRow, comparison_table
from semoe.stages.answer_record import AnswerRecord
from semoe.telemetry.progress import progress

PACKAGE = Path(str(resources.files("semoe")))
ODD = "was [sic] born [/ˈɒrɪn/] in :warning: [bold]1911[/] [link=x] \\[y]"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, without the lines of tables and the breaks that a narrow screen brings."""
    captured = capsys.readouterr()
    return "".join((captured.out + captured.err).replace("│", "").replace("┃", "").split())


def bare(text: str) -> str:
    return "".join(text.split())


def test_results_keep_every_letter(capsys: pytest.CaptureFixture[str]) -> None:
    show({"passage": ODD, ODD: [ODD]})
    assert said(capsys).count(bare(ODD)) == 2
    show({"passage": ODD}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"passage": ODD}


def test_tables_keep_every_letter_in_title_heads_and_cells(capsys: pytest.CaptureFixture[str]) -> None:
    narrow = "[sic]:bug:"
    table(ODD, [narrow, "b"], [[narrow, "[/x]"]])
    show_rows("rows", ["title"], [{"title": narrow}])
    out.print(comparison_table([ReportRow(method=narrow, scores=Scores(0, 0, 0, 0), n=1, seconds=1, num_experts=1)]))
    found = said(capsys)
    assert bare(ODD) in found
    assert found.count(narrow) == 4
    assert "[/x]" in found


def test_errors_keep_every_letter(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BaseException), told_plainly():  # noqa: B017  (typer's own exit)
        raise UsageError(f"No file {ODD}.", kind="missing-file")
    assert f"semoe:Nofile{bare(ODD)}." in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [(["show", "[/x]", "--store", "[sic] :bug:/none"], "[sic]:bug:/none"), (["ls", "--[/x]"], "--[/x]")],
)
def test_what_was_typed_by_mistake_keeps_every_letter(
    arguments: list[str], kept: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["experts", *arguments]) == 2
    assert kept in said(capsys)


def test_the_demo_keeps_every_letter(capsys: pytest.CaptureFixture[str]) -> None:
    record = AnswerRecord(
        did=0, test_id=0, question="", accepted=(), text=ODD, predicted="[sic]", scores=Scores(0, 0.5, 0, 0),
        num_experts=0,
    )  # fmt: skip
    _print_answer("prag", record)
    found = said(capsys)
    assert bare(repr(ODD)) in found
    assert "'[sic]'" in found


def test_explaining_keeps_every_letter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    switch = {
        "position": 0, "token": 0, "sentence": ODD, "probabilities": [], "query": ODD, "retrieve_ms": 1.0, "note": ODD,
        "passages": [{"id": "", "title": ODD, "text": "", "score": 0, "key": "", "has_expert": False}], "value": 0,
        "experts": [], "dropped_passages": 0,
    }  # fmt: skip
    record = {"question": ODD, "qid": "1", "text": ODD, "switches": [switch], "counters": {}, "stopped": ODD}
    scores = {"f1": "1", "answer": [ODD], "eval_predict": "a"}
    (tmp_path / "p.json").write_text(json.dumps([record | scores]))
    assert run(["explain", str(tmp_path / "p.json"), "--question", "0"]) == 0
    assert said(capsys).count(bare(ODD)) == 8


def test_a_bar_keeps_every_letter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, as far as the library knows
    monkeypatch.setenv("COLUMNS", "200")
    with progress("main [sic] [/x] :bug:", 2, "[/y]") as advance:
        advance(2)
    found = said(capsys)
    assert "main[sic][/x]:bug:" in found
    assert "[/y]" in found


def test_no_part_of_the_package_opens_a_way_round() -> None:
    """A console of one's own, a column or a text that reads markup would bring it all back."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            assert name != "Console" or path.name == "console.py", f"{path}: use plain_console"
            assert name != "TextColumn" or given.get("markup") == "False", f"{path}: a column with markup"
            assert name not in ("from_markup", "render_markup"), f"{path}: {name}"
            if name == "print" or path.name == "console.py":
                assert not {"True"} & {given.get("markup"), given.get("emoji")}, f"{path}: {ast.unparse(node)}"
