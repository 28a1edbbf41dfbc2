"""What a comparison of methods comes to: means over questions, and a table with a row a method.

Data in, a rich table out: who prints it, and where, is the caller's choice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table

from semoe.evaluation.scores import Scores

_COLUMNS = ("n", "EM", "F1", "precision", "recall", "seconds", "experts used")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRow:
    """What one method came to."""

    method: str
    scores: Scores
    """Means over the questions, each between 0 and 1."""
    n: int
    """How many questions were answered."""
    seconds: float
    num_experts: int


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Returns the mean of each number; zeros for no scores."""
    if not scores:
        return Scores(0.0, 0.0, 0.0, 0.0)
    return Scores(*(sum(column) / len(scores) for column in zip(*scores, strict=True)))


def comparison_table(rows: Iterable[ReportRow], title: str | None = None) -> Table:
    """Builds a table with a row a method, in the order given; scores in percent."""
    table = Table(title=title, title_justify="left")
    table.add_column("method", overflow="fold")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for row in rows:
        percent = (f"{100 * value:.1f}" for value in row.scores)
        table.add_row(row.method, str(row.n), *percent, f"{row.seconds:.1f}", str(row.num_experts))
    return table
