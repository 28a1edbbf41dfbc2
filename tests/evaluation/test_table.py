import pytest
from rich.console import Console

from semoe.evaluation.scores import Scores
from semoe.evaluation.table import ReportRow, comparison_table, mean_scores


def test_each_number_has_its_own_mean() -> None:
    found = mean_scores([Scores(1, 1, 1, 1), Scores(0, 0.5, 0.25, 0.75)])
    assert found == pytest.approx((0.5, 0.75, 0.625, 0.875))
    assert mean_scores([]) == (0, 0, 0, 0)


def test_a_row_a_method_in_the_order_given_in_percent() -> None:
    rows = [
        ReportRow(method="prag", scores=Scores(0.25, 0.5, 0.125, 1.0), n=8, seconds=1.26, num_experts=24),
        ReportRow(method="icl", scores=Scores(0, 0, 0, 0), n=8, seconds=0.5, num_experts=0),
    ]
    table = comparison_table(rows, title="8 questions")
    assert table.title == "8 questions"
    cells = [list(column.cells) for column in table.columns]
    assert list(zip(*cells, strict=True)) == [
        ("prag", "8", "25.0", "50.0", "12.5", "100.0", "1.3", "24"),
        ("icl", "8", "0.0", "0.0", "0.0", "0.0", "0.5", "0"),
    ]


def test_it_prints_with_its_headings() -> None:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as shown:
        console.print(comparison_table([]))
    assert all(name in shown.get() for name in ("method", "EM", "F1", "precision", "recall", "seconds"))
