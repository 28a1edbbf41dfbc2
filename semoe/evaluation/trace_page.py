"""Answers and what happened while they were written, as one HTML page that opens offline.

Called by `semoe explain --html`. Draws its plots as SVG inside the page.
"""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

import jinja2

from semoe.evaluation.svg import COLOUR, new_figure, svg_of
from semoe.evaluation.traced import TracedAnswer, totals_of
from semoe.generation.switching.trace import Switch

WIDTH_INCHES = 4.2
HEIGHT_INCHES = 2.6
TOKENS_PER_BAR = 8


class Stretch(NamedTuple):
    """A stretch of a doubted sentence."""

    text: str
    p: float
    """How unsure the model was of it; 0 where nobody looked."""
    is_hit: bool
    """Whether it made the sentence doubtful."""


def trace_page(answers: Sequence[TracedAnswer], title: str) -> str:
    """Returns the page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["marked"] = marked
    source = (resources.files("semoe.evaluation") / "templates" / "trace.html.jinja").read_text(encoding="utf-8")
    scored = [one for one in answers if one.f1 is not None]
    plots = [_retrievals(answers), _places(answers)] + ([_scores(scored)] if scored else [])
    return environment.from_string(source).render(answers=answers, title=title, plots=plots, totals=totals_of(answers))


def marked(switch: Switch) -> list[Stretch]:
    """Cuts a doubted sentence into stretches, with what was looked at in its own."""
    text = switch.sentence
    at = 0
    parts: list[Stretch] = []
    for one in sorted(switch.probabilities, key=lambda found: found.start):
        end = one.start + len(one.text)
        if one.start < at:  # a name within a name that is marked already
            continue
        parts += [Stretch(text[at : one.start], 0.0, False), Stretch(text[one.start : end], one.p, one.is_hit)]
        at = end
    return [part for part in (*parts, Stretch(text[at:], 0.0, False)) if part.text]


def _retrievals(answers: Sequence[TracedAnswer]) -> str:
    counts = [one.trace.counters.retrieve for one in answers]
    heights = {number: counts.count(number) for number in range(max(counts, default=0) + 1)}
    return _bars("Retrievals per question", "retrievals", "questions", heights)


def _places(answers: Sequence[TracedAnswer]) -> str:
    tokens = [switch.token for one in answers for switch in one.trace.real_switches]
    places = [token // TOKENS_PER_BAR * TOKENS_PER_BAR for token in tokens]
    heights = {place: places.count(place) for place in sorted(set(places))}
    return _bars("Where switches fall", "token of the answer", "switches", heights)


def _scores(scored: Sequence[TracedAnswer]) -> str:
    groups: dict[int, list[float]] = {}
    for one in scored:
        groups.setdefault(len(one.trace.real_switches), []).append(one.f1 or 0.0)
    heights = {number: sum(scores) / len(scores) for number, scores in sorted(groups.items())}
    return _bars("F1 by number of switches", "switches", "mean F1", heights)


def _bars(title: str, x: str, y: str, heights: Mapping[int, float]) -> str:
    """Draws bars as SVG text."""
    figure = new_figure(WIDTH_INCHES, HEIGHT_INCHES)
    axes = figure.subplots()
    axes.bar([str(key) for key in heights], list(heights.values()), color=COLOUR)
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return svg_of(figure)
