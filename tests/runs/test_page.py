"""The page of a run that is not finished: what failed, what was set aside, where experts helped; all text is text."""

import json
import re
import time
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from semoe.cli.app import run
from semoe.evaluation.scores import score
from semoe.runs.folder import RunFolder
from semoe.runs.page.examples import examples_of
from semoe.runs.page.found import find_run
from semoe.runs.page.rates import experts_over_time, losses, slowest
from semoe.runs.plan import Plan
from semoe.runs.records import Failure, Heartbeat, SetAside, ShardReport
from semoe.runs.spending import heartbeats_of
from semoe.stages.answer_record import AnswerRecord
from tests.chromium import needs_chromium, opened
from tests.runs.planned import planned

WROTE = {
    "none": ("Tampere", "Rome", "a <b>bold</b> city", "Bonn"),
    "prag": ("Paris", "Rome", "Tampere", "Tampere"),
    "token-prag": ("Tampere",) * 3,
}
"""By way to answer, what it wrote to each question, whose answer is Tampere; the last way is not done yet."""


DRAWN = """document.body.dataset.drawn = JSON.stringify([...document.querySelectorAll(".plots svg")].map(one => ({
    words: [...one.innerHTML.matchAll(/<!-- (.*?) -->/g)].map(found => found[1]),
    width: one.getBoundingClientRect().width,
    marks: [...one.querySelectorAll("path, use")].filter(mark => mark.getBoundingClientRect().width > 0).length,
})))"""
"""Writes into the page what its figures show, and how large. Words are drawn; what they say stands in comments."""


def record(did: int, text: str) -> dict[str, Any]:
    return AnswerRecord(
        did=did, test_id=did, question=f"Where is <script>{did}</script>?", accepted=("Tampere",), text=text,
        predicted=text, scores=score(text, ["Tampere"]), num_experts=3,
    ).to_json()  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run over four questions in several ways, some of whose work is done."""
    found = planned(tmp_path / "store", shards=4)
    found.write("plan.json", replace(found.plan(), methods=tuple(WROTE)), Plan)
    for method, texts in WROTE.items():
        answers = [record(did, text) for did, text in enumerate(texts)]
        found.write(f"answers/{method}/00000/00000.json", answers, list[dict[str, Any]])
    return found


def trained(folder: RunFolder, shard: int, *, ends: float, seconds: float, experts: int) -> None:
    counts = {"trained": float(experts), "losses": 0.5 * experts}
    folder.write_report(ShardReport(stage="encode", shard=shard, seconds=seconds, time=ends, counts=counts))


def test_an_unfinished_run_shows_its_errors_and_no_text_becomes_markup(folder: RunFolder, tmp_path: Path) -> None:
    folder.write_failure(
        Failure(stage="encode", shard=1, worker="w", kind="memory", message="<i>no room</i>", exit_code=2, time=1.0)
    )
    folder.set_aside(SetAside(key="ab", id="7", title="A <img src=x>", shard=0, why="too deep & wide"))
    page = tmp_path / "page.html"
    assert run(["report", "--run", "first", "--store", str(tmp_path / "store"), "--html", str(page)]) == 0
    shown = page.read_text()
    for said in ("Not finished", "&lt;i&gt;no room&lt;/i&gt;", "A &lt;img src=x&gt;", "too deep &amp; wide"):
        assert said in shown
    assert "&lt;script&gt;2&lt;/script&gt;" in shown
    assert not re.findall(r'<(?:script|img|i|b>bold)|(?:src|href)="(?!#)|url\((?!#)|@import', shown)


def test_only_questions_that_all_ways_have_answered_are_compared(folder: RunFolder) -> None:
    found = find_run(folder)
    assert [len(records) for records in found.answers.values()] == [3, 3, 3]


def test_helped_is_right_with_experts_and_wrong_without_harmed_the_other_way_round(folder: RunFolder) -> None:
    (examples,) = examples_of("popqa", find_run(folder).answers)  # `token-prag` has no `token-none` beside it
    assert (examples.pair.method, examples.pair.against, examples.num_questions) == ("prag", "none", 3)
    assert [one.with_experts.did for one in examples.helped] == [2]
    assert [one.with_experts.did for one in examples.harmed] == [0]


def test_rates_of_shards_add_up_over_time(folder: RunFolder) -> None:
    trained(folder, 0, ends=160.0, seconds=60.0, experts=120)
    trained(folder, 1, ends=220.0, seconds=90.0, experts=90)
    found = find_run(folder)
    assert experts_over_time(found) == [(0.0, 2.0), (0.5, 3.0), (1.0, 1.0), (2.0, 0.0)]
    assert losses(found) == {0: 0.5, 1: 0.5}
    assert [(one.shard, one.rate) for one in slowest(found)] == [(1, 1.0)]


@needs_chromium
def test_a_browser_draws_it_offline(folder: RunFolder, tmp_path: Path) -> None:
    trained(folder, 0, ends=160.0, seconds=60.0, experts=120)
    trained(folder, 1, ends=220.0, seconds=90.0, experts=90)
    page = tmp_path / "page.html"
    assert run(["report", "--run", "first", "--store", str(tmp_path / "store"), "--html", str(page)]) == 0
    dom, complaints = opened(page, DRAWN)
    assert complaints == []
    figures = json.loads(unescape(re.findall(r'data-drawn="([^"]*)"', dom)[0]))
    titles = (
        "popqa: F1 in percent", "popqa: differences of F1 in points", "Experts a second, of all finished shards",
        "Mean last loss of a shard's experts",
    )  # fmt: skip
    for title, figure in zip(titles, figures, strict=True):
        assert title in figure["words"]
        assert (figure["width"] > 300, figure["marks"] > 50) == (True, True)
    seen = " ".join(re.sub(r"<[^>]*>", " ", dom[dom.index("<h1") :]).split())
    scored = "none 3 33.3 [0.0, 100.0]", "token-prag 3 100.0 [100.0, 100.0]"
    for said in ("Run first", "Not finished", *scored, "experts that they trained 210"):
        assert said in seen


def test_a_slow_shard_at_work_is_held_to_all_that_are_at_work(folder: RunFolder) -> None:
    for shard, rate in enumerate((0.1, 8.0, 10.0, 12.0)):
        beat = Heartbeat(worker=f"w{shard}", time=time.time(), done=10 * rate, total=999, seconds=10)
        folder.write_heartbeat("retrieve", shard, beat)
    found = [(one.shard, one.of_median) for one in slowest(find_run(folder)) if one.stage == "retrieve"]
    assert found == [(0, pytest.approx(0.1 / 9)), (1, pytest.approx(8 / 9))]


def test_what_others_left_in_a_run_is_no_shard(folder: RunFolder) -> None:
    trained(folder, 1, ends=60, seconds=60, experts=60)
    for place in ("shards/encode", "progress/encode", "commits/first"):
        folder.objects.put(f"runs/first/{place}/Thumbs.db", b"x")
    assert folder.finished("encode") == [1]
    assert heartbeats_of(folder, "encode") == []


def test_partial_is_for_another_purpose(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "--run", "first", "--store", folder.objects.url, "--partial", "--html", "x.html"]) == 2
    assert "leave out --partial" in capsys.readouterr().err


def test_no_such_run_is_the_users_mistake(tmp_path: Path) -> None:
    assert run(["report", "--run", "r", "--store", str(tmp_path / "store"), "--html", str(tmp_path / "x.html")]) == 2
    assert not (tmp_path / "x.html").exists()
