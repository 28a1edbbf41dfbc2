"""A reproduction's report as one HTML page that opens offline, with its plots inside."""

from collections.abc import Iterator
from functools import partial

from semoe.evaluation.page import Plot, render
from semoe.evaluation.plots import intervals
from semoe.reproduction.report import TOTAL, Reproduction
from semoe.reproduction.sections import sections


def page(found: Reproduction) -> str:
    """Returns the page; without matplotlib it has no plots, and says so."""
    return render(
        "semoe.reproduction",
        "report.html.jinja",
        list(_plots(found)),
        title=found.experiment.title,
        found=found,
        sections=list(sections(found)),
    )


def _plots(found: Reproduction) -> Iterator[Plot]:
    for dataset in dict.fromkeys(one.dataset for one in found.cells):
        cells = [one for one in found.cells if (one.dataset, one.type) == (dataset, TOTAL)]
        yield partial(intervals, f"{dataset}: F1 in percent", [(one.method, one.scores["f1"]) for one in cells])
        differences = [one for one in found.differences if (one.dataset, one.type) == (dataset, TOTAL)]
        if differences:
            named = [(f"{one.method} − {one.against}", one.scores["f1"]) for one in differences]
            yield partial(intervals, f"{dataset}: differences of F1 in points", named, at_zero=True)
