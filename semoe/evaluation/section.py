"""A report as sections of text and tables, for whoever writes them down: Markdown or a page."""

from typing import NamedTuple

from semoe.evaluation.bootstrap import Interval

FEW = 30
"""Questions below which an interval is said not to be trusted."""


class Table(NamedTuple):
    """Rows of texts under a line of titles; the first column is text, the others are numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Section(NamedTuple):
    """A part of the report."""

    title: str
    lines: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: Table | None = None


def share(value: Interval) -> str:
    """Returns a mean with its interval, in percent."""
    return f"{_percent(value.mean)} [{_percent(value.low)}, {_percent(value.high)}]"


def few(fewest: int) -> tuple[str, ...]:
    """Says where questions are too few for the bootstrap: of values that are all alike it makes an interval of none."""
    if fewest >= FEW:
        return ()
    return (f"{fewest} questions are too few for an interval to be trusted: it shows the way, not how well it works.",)


def _percent(value: float) -> str:
    # A minus of its own width, and none before a zero.
    return f"{round(100 * value, 1) + 0.0:.1f}".replace("-", "−")
