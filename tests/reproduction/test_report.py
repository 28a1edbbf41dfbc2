"""The report's figures against records made by hand, and the same figures in Markdown and on the page."""

from dataclasses import replace
from pathlib import Path

import pytest

from semoe.evaluation.bootstrap import interval, paired_bootstrap
from semoe.evaluation.overflow import Overflow
from semoe.evaluation.scores import Scores
from semoe.reproduction.config import Experiment, PublishedFigure, read_config
from semoe.reproduction.made import Made
from semoe.reproduction.markdown import markdown
from semoe.reproduction.page import page
from semoe.reproduction.report import Reproduction, cell_of, differences_of
from semoe.reproduction.written import read_report, write_report
from semoe.runs.cost import Cost
from semoe.runs.report import ExpertCount
from semoe.stages.answer_record import AnswerRecord

F1 = {"none": (0.0, 0.5, 0.0, 0.5), "prag": (1.0, 0.5, 0.5, 1.0), "prag_random": (0.0, 0.0, 0.5, 0.5)}


def records(values: tuple[float, ...]) -> list[AnswerRecord]:
    return [
        AnswerRecord(
            did=did, test_id=did, question="q", accepted=("a",), text="t", predicted="p", num_experts=3,
            scores=Scores(em=float(f1 == 1), f1=f1, precision=f1, recall=f1),
        )
        for did, f1 in enumerate(values)
    ]  # fmt: skip


BY_METHOD = {method: records(values) for method, values in F1.items()}
FIGURE = PublishedFigure(method="prag", metric="f1", value=42.5, source="a paper, table 1")


def reproduction(*, changed: tuple[str, ...] = ("The model is b, not c.",)) -> Reproduction:
    return Reproduction(
        config="popqa-x",
        experiment=Experiment(title="PopQA <here>", of="PRAG", about="Experts.", differs=("Prompts are ours.",)),
        changed=changed,
        cells=tuple(cell_of("popqa", "total", method, own, [FIGURE]) for method, own in BY_METHOD.items()),
        differences=tuple(differences_of("popqa", "total", BY_METHOD)),
        seconds=dict.fromkeys(F1, 1.25),
        experts=ExpertCount(space="s", planned=9, in_store=8, without_pairs=1, committed=8, committed_distinct=8),
        aside=0,
        overflow={"none": Overflow(), "prag": Overflow(cut_answers=2)},
        states=(),
        cost=Cost(hours=0.5, stage_hours={"encode": 0.5}, money=None, reckoned_hours=(0.4, 0.6), num_bytes=10),
        made=Made(
            command="semoe reproduce 'a|b'", time="now", run="r", store="s", model="m", model_digest="d", space="s",
            preset="published", augmented_by="m", dtype="float32", retriever="bm25, index wiki", topk=3,
            num_passages=None,
            devices=("a processor",), seeds={"training": 42}, versions={"semoe": "1"},
        ),
    )  # fmt: skip


def test_a_cell_is_the_mean_over_its_questions_with_its_interval() -> None:
    cell = cell_of("popqa", "total", "prag", BY_METHOD["prag"], [FIGURE])
    assert (cell.num_questions, cell.num_experts) == (4, 12)
    assert cell.scores["f1"] == interval([1.0, 0.5, 0.5, 1.0])
    assert cell.scores["f1"].mean == 0.75
    assert cell.scores["em"].mean == 0.5
    assert cell.published == (FIGURE,)
    assert cell_of("popqa", "bridge", "prag", BY_METHOD["prag"], [FIGURE]).published == ()


def test_a_control_that_found_no_other_passages_experts_is_compared_with_nothing() -> None:
    found = [one.against for one in differences_of("popqa", "total", BY_METHOD)]
    assert found == ["none", "prag_random"]
    empty = BY_METHOD | {"prag_random": [replace(one, num_experts=0) for one in BY_METHOD["prag_random"]]}
    assert [one.against for one in differences_of("popqa", "total", empty)] == ["none"]


def test_a_figure_of_a_paper_stands_beside_that_of_the_same_way_to_answer() -> None:
    published = read_config("hotpotqa-llama3_8b").published
    cell = cell_of("hotpotqa", "total", "prag", BY_METHOD["prag"], published)
    assert [(one.metric, one.value) for one in cell.published] == [("f1", 35.63)]
    bridge = cell_of("hotpotqa", "bridge", "prag", BY_METHOD["prag"], published)
    assert [one.value for one in bridge.published] == [31.15]
    assert cell_of("hotpotqa", "total", "prag_random", BY_METHOD["prag"], published).published == ()
    shown = markdown(replace(reproduction(), cells=(cell, bridge)))
    assert "f1 35.63 (arXiv 2501.15915, table 1)" in shown
    assert "f1 31.15 (arXiv 2501.15915, table 1: 300 questions of this type)" in shown


def test_differences_are_paired_over_the_same_questions() -> None:
    first, second = differences_of("popqa", "total", BY_METHOD)
    assert (first.method, first.against, second.method, second.against) == ("prag", "none", "prag", "prag_random")
    assert first.scores["f1"] == paired_bootstrap(F1["prag"], F1["none"])
    assert first.scores["f1"].mean == 0.5
    assert second.scores["f1"].mean == 0.5


def test_ways_to_answer_are_compared_within_their_method() -> None:
    named = {"token-prag": BY_METHOD["prag"], "none": BY_METHOD["none"], "token-none": BY_METHOD["none"]}
    (found,) = differences_of("popqa", "total", named)
    assert (found.method, found.against) == ("token-prag", "token-none")


def test_the_figures_stand_in_markdown_and_on_the_page() -> None:
    text = markdown(reproduction())
    shown = page(reproduction())
    low, high = (100 * value for value in interval(F1["prag"])[1:])
    for where in (text, shown):
        assert f"75.0 [{low:.1f}, {high:.1f}]" in where
        assert "f1 42.5 (a paper, table 1)" in where
        assert "0.400 to 0.600" in where
        assert "no price was given" in where
        assert "cut answers 2" in where
        assert "4 questions are too few" in where
    assert text.index("Not as the config says") < text.index("popqa, total")
    assert "a\\|b" in text
    assert "PopQA &lt;here&gt;" in shown
    assert shown.count("<svg") == 2
    assert "http" not in shown.replace("http://www.w3.org", "")


def test_a_page_without_matplotlib_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semoe.evaluation.page.can_draw", lambda: False)
    shown = page(reproduction(changed=()))
    assert "<svg" not in shown
    assert "semoe[plots]" in shown
    assert "Not as the config says" not in shown


def test_a_report_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    paths = write_report(reproduction(), tmp_path)
    assert [path.name for path in paths] == ["report.json", "report.md", "report.html"]
    assert read_report(paths[0]) == reproduction()
