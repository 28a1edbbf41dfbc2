"""The plots of pages, as SVG text: intervals, bars, a level over time, points."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from semoe.evaluation.bootstrap import Interval
from semoe.evaluation.svg import COLOUR, new_figure, svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 5.4
HEIGHT_INCHES = 2.8
HEAD_INCHES = 0.9
ROW_INCHES = 0.3
FEW_BARS = 4
"""Fewer are no broader than these."""


def intervals(title: str, rows: Sequence[tuple[str, Interval]], *, at_zero: bool = False) -> str:
    """Draws means as dots on the lines of their intervals, in percent, the first row on top."""
    figure, axes = _begun(title, HEAD_INCHES + ROW_INCHES * len(rows))
    heights = range(len(rows), 0, -1)
    for height, (_, value) in zip(heights, rows, strict=True):
        axes.plot([100 * value.low, 100 * value.high], [height, height], color=COLOUR, linewidth=2)
        axes.plot([100 * value.mean], [height], "o", color=COLOUR, clip_on=False)
    axes.set_yticks(list(heights), [name for name, _ in rows])
    axes.set_ylim(0.4, len(rows) + 0.6)
    axes.grid(axis="x", alpha=0.3)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if at_zero:
        axes.axvline(0, color="#999", linewidth=1)
    else:
        axes.set_xlim(left=0)
    return svg_of(figure)


def bars(title: str, x: str, y: str, heights: Mapping[int, float]) -> str:
    """Draws a bar for each key."""
    figure, axes = _begun(title)
    axes.bar([str(key) for key in heights], list(heights.values()), color=COLOUR)
    axes.set_xlim(-0.6, max(len(heights), FEW_BARS) - 0.4)
    axes.set(xlabel=x, ylabel=y)
    return svg_of(figure)


def level(title: str, x: str, y: str, steps: Sequence[tuple[float, float]]) -> str:
    """Draws a level that holds from each place to the next; the last level is that of the end."""
    figure, axes = _begun(title)
    places, heights = [at for at, _ in steps], [height for _, height in steps]
    axes.fill_between(places, heights, step="post", color=COLOUR, alpha=0.25)
    axes.step(places, heights, where="post", color=COLOUR)
    axes.set(xlabel=x, ylabel=y)
    axes.set_ylim(bottom=0)
    return svg_of(figure)


def points(title: str, x: str, y: str, values: Mapping[int, float]) -> str:
    """Draws a point for each key, on an axis of whole numbers."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  (slow to import)

    figure, axes = _begun(title)
    axes.plot(list(values), list(values.values()), "o", color=COLOUR, markersize=4)
    axes.set(xlabel=x, ylabel=y)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, 1.1 * max(values.values()))
    axes.grid(axis="y", alpha=0.3)
    return svg_of(figure)


def _begun(title: str, height: float = HEIGHT_INCHES) -> tuple["Figure", "Axes"]:
    figure = new_figure(WIDTH_INCHES, height)
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
