"""Traces as a person reads them: on screen, and as a page in a real browser."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.evaluation.trace_page import marked, parts
from semoe.evaluation.traced import read_traced
from semoe.generation.switching.trace import read_trace
from semoe.published.title import title_of
from tests.chromium import needs_chromium, opened
from tests.generation.switching.rigged import Rig


@pytest.fixture
def records() -> list[dict[str, Any]]:
    """Two answers from the loop itself: one that switches, one that does not."""
    rig = Rig()
    ids = rig.path("q0", "She <b>was</b> it. Ada Lovelace was born in Paris.", Paris=0.5, Ada=0.4, Lovelace=0.4)
    rig.path(ids[2], " She was born in London.", code=3)
    rig.path("q1", "All is well.")
    rig.passage("was born in", "3")
    found = rig.loop().answer(["q0", "q1"])
    scored = {"answer": ["London"], "eval_predict": "London", "f1": "1.0"}
    return [
        {"question": f"Question {n} & more", "qid": str(n), "text": one.text} | scored | asdict(one.trace)
        for n, one in enumerate(found)
    ]


def test_one_question_with_what_was_doubted_asked_found_and_loaded(
    records: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "predict.json"
    path.write_text(json.dumps(records))
    assert run(["explain", str(path), "--question", "0"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Question 0 & more" in said
    assert "✗ Ada Lovelace 0.60 was born in Paris 0.50." in said
    assert "? was born in" in said
    assert "3 (expert)" in said
    assert "She was born in London." in said
    assert "F1 1.00 (accepted: London)" in said
    assert "retrieve 1, generate 2, hallucinated 1" in said


def test_without_a_question_all_are_summed_also_those_of_a_file_of_lines(
    records: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "output.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    assert run(["explain", str(path)]) == 0
    assert "answers that switched: 1" in capsys.readouterr().out


def test_a_question_that_is_not_there_is_the_users_mistake(
    records: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "output.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    assert run(["explain", str(path), "--question", "2"]) == 2
    assert "questions 0 to 1, not 2" in capsys.readouterr().err


def test_a_file_without_traces_is_the_users_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "output.jsonl"
    path.write_text(json.dumps({"qid": "1", "prediction": "x"}))
    assert run(["explain", str(path)]) == 2
    assert "no traces" in capsys.readouterr().err


def test_a_sentence_is_cut_at_its_doubted_words(records: list[dict[str, Any]]) -> None:
    trace = read_trace(records[0])
    assert trace
    parts = marked(trace.switches[0])
    assert "".join(text for text, _, _ in parts) == records[0]["switches"][0]["sentence"]
    assert [text for text, p, hit in parts if hit] == ["Ada Lovelace", "Paris"]


def test_a_draft_stands_beside_what_took_its_place(records: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "predict.json").write_text(json.dumps(records))
    switched, whole = map(parts, read_traced(tmp_path / "predict.json"))
    drafts = ["".join(stretch.text for stretch in one.draft) for one in switched]
    assert drafts == ["", "Ada Lovelace was born in Paris."]
    assert [one.final for one in switched] == ["She <b>was</b> it.", "She was born in London."]
    assert [(one.switch, one.draft, one.final) for one in whole] == [(None, [], "All is well.")]


@pytest.mark.parametrize(("f1", "shown"), [("1.0", "right"), ("0.25", "partly"), ("0.0", "wrong")])
def test_the_page_says_of_what_it_is_and_how_right_an_answer_is(
    f1: str, shown: str, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "output/tiny/rank=2_alpha=32/popqa/lr=0.0003_epoch=1_direct/aug_model=parse/token-prag/total"
    folder.mkdir(parents=True)
    (folder / "predict.json").write_text(json.dumps([one | {"f1": f1} for one in records]))
    assert run(["explain", str(folder / "predict.json"), "--html", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "<h1>popqa, total · tiny · token-prag</h1>" in page
    assert page.count(f'<span class="{shown}">London</span>') == len(records)


def test_answers_of_main_are_titled_by_the_configuration_beside_them(tmp_path: Path) -> None:
    config = {"model_name_or_path": "/models/tiny", "dataset": "hotpotqa", "method": "token"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert title_of(tmp_path / "output.jsonl") == "hotpotqa · tiny · token-icl"
    (tmp_path / "config.json").write_text("{")
    assert title_of(tmp_path / "output.jsonl") == str(tmp_path / "output.jsonl")


@needs_chromium
def test_the_page_opens_offline_in_a_browser(records: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "predict.json").write_text(json.dumps(records))
    page = tmp_path / "page.html"
    assert run(["explain", str(tmp_path / "predict.json"), "--html", str(page)]) == 0
    assert not re.findall(r'(?:src|href)="(?!#)', page.read_text())
    # The page's own search is used, so what is seen went through its script.
    dom, complaints = opened(page, "search.value='question 1';search.dispatchEvent(new Event('input'))")
    assert complaints == []
    assert dom.count("<svg") == 3
    assert 'id="question-0" hidden' in dom
    assert 'id="question-1" hidden' not in dom
    assert "&lt;b&gt;was&lt;/b&gt;" in dom
    assert '<mark class="hit" title="p = 0.500">Paris</mark>' in dom
