"""A reproduction's report as one HTML page that opens offline, with its plots inside."""

from collections.abc import Sequence
from importlib import resources

import jinja2

from semoe.evaluation.bootstrap import Interval
from semoe.evaluation.svg import COLOUR, can_draw, new_figure, svg_of
from semoe.reproduction.report import TOTAL, Reproduction
from semoe.reproduction.sections import sections

WIDTH_INCHES = 5.4
HEAD_INCHES = 0.9
ROW_INCHES = 0.3


def page(found: Reproduction) -> str:
    """Returns the page; without matplotlib it has no plots, and says so."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = (resources.files("semoe.reproduction") / "templates" / "report.html.jinja").read_text(encoding="utf-8")
    plots = _plots(found) if can_draw() else []
    return environment.from_string(source).render(found=found, sections=list(sections(found)), plots=plots)


def _plots(found: Reproduction) -> list[str]:
    plots = []
    for dataset in dict.fromkeys(one.dataset for one in found.cells):
        cells = [one for one in found.cells if (one.dataset, one.type) == (dataset, TOTAL)]
        plots.append(_intervals(f"{dataset}: F1 in percent", [(one.method, one.scores["f1"]) for one in cells]))
        differences = [one for one in found.differences if (one.dataset, one.type) == (dataset, TOTAL)]
        if differences:
            named = [(f"{one.method} − {one.against}", one.scores["f1"]) for one in differences]
            plots.append(_intervals(f"{dataset}: differences of F1 in points", named, at_zero=True))
    return plots


def _intervals(title: str, rows: Sequence[tuple[str, Interval]], *, at_zero: bool = False) -> str:
    """Draws means as dots on the lines of their intervals, the first row on top."""
    figure = new_figure(WIDTH_INCHES, HEAD_INCHES + ROW_INCHES * len(rows))
    axes = figure.subplots()
    heights = range(len(rows), 0, -1)
    for height, (_, value) in zip(heights, rows, strict=True):
        axes.plot([100 * value.low, 100 * value.high], [height, height], color=COLOUR, linewidth=2)
        axes.plot([100 * value.mean], [height], "o", color=COLOUR, clip_on=False)
    axes.set_yticks(list(heights), [name for name, _ in rows])
    axes.set_ylim(0.4, len(rows) + 0.6)
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if at_zero:
        axes.axvline(0, color="#999", linewidth=1)
    else:
        axes.set_xlim(left=0)
    return svg_of(figure)
