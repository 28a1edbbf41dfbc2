"""Draws a run's page, and writes it. Called by `semoe report --html`."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from semoe.evaluation.page import Plot, render
from semoe.evaluation.plots import intervals, level, points
from semoe.files import write_text
from semoe.runs.folder import RunFolder
from semoe.runs.page.examples import SHOWN, examples_of
from semoe.runs.page.found import FoundRun, find_run
from semoe.runs.page.rates import experts_over_time, losses
from semoe.runs.page.scores import SetScores, scores_of
from semoe.runs.page.sections import sections


def write_page(folder: RunFolder, path: Path) -> Path:
    """Writes a run, finished or not, as one page that opens offline.

    Args:
        folder: the run.
        path: of the page; where it is a folder, the page is `report-{run}.html` in it.

    Returns:
        Where the page is.

    Raises:
        UsageError: there is no such run, or the file cannot be written.
        TransientError: the store does not answer, or the disk is full.
    """
    where = path / f"report-{folder.run}.html" if path.is_dir() else path
    write_text(where, run_page(find_run(folder)))
    return where


def run_page(found: FoundRun) -> str:
    """Returns the page; without matplotlib it has no plots, and says so."""
    scores = list(scores_of(found))
    return render(
        "semoe.runs.page",
        "run.html.jinja",
        list(_plots(found, scores)),
        title=f"Run {found.run}",
        subtitle=_subtitle(found),
        sections=list(sections(found, scores)),
        examples=[examples for one in scores for examples in examples_of(one.dataset, one.answers)],
        shown=SHOWN,
    )


def _subtitle(found: FoundRun) -> str:
    plan = found.plan
    what = ", ".join(dict.fromkeys(one.dataset for one in plan.sets)) or "a corpus"
    return " · ".join(filter(None, (what, Path(plan.model_name).name, ", ".join(plan.methods))))


def _plots(found: FoundRun, scores: Sequence[SetScores]) -> Iterator[Plot]:
    for one in scores:
        means = [(method, own["f1"]) for method, own in one.means.items()]
        yield partial(intervals, f"{one.dataset}: F1 in percent", means)
        named = [(f"{pair.method} − {pair.against}", own["f1"]) for pair, own in one.differences]
        if named:
            yield partial(intervals, f"{one.dataset}: differences of F1 in points", named, at_zero=True)
    if steps := experts_over_time(found):
        yield partial(level, "Experts a second, of all finished shards", "minutes", "experts/s", steps)
    if means_of := losses(found):
        yield partial(points, "Mean last loss of a shard's experts", "shard", "nats", means_of)
