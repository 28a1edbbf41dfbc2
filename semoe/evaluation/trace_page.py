"""Answers and what happened while they were written, as one HTML page that opens offline.

Called by `semoe explain --html`. Draws its plots as SVG inside the page.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from semoe.evaluation.page import render
from semoe.evaluation.plots import bars
from semoe.evaluation.traced import TracedAnswer, totals_of
from semoe.generation.switching.trace import Switch

TOKENS_PER_BAR = 8


class Stretch(NamedTuple):
    """A stretch of a doubted sentence."""

    text: str
    p: float
    """How unsure the model was of it; 0 where nobody looked."""
    is_hit: bool
    """Whether it made the sentence doubtful."""


class Part(NamedTuple):
    """A stretch of an answer, as it was drafted and as it stands at last."""

    switch: Switch | None
    """What came before it; None: the answer begins with it."""
    draft: list[Stretch]
    """What was doubted, and dropped for it; empty where nothing was."""
    final: str


def trace_page(answers: Sequence[TracedAnswer], title: str) -> str:
    """Returns the page; without matplotlib it has no plots, and says so."""
    scored = [one for one in answers if one.f1 is not None]
    plots = [partial(_retrievals, answers), partial(_places, answers)] + ([partial(_scores, scored)] if scored else [])
    return render(
        "semoe.evaluation",
        "trace.html.jinja",
        plots,
        filters={"parts": parts},
        answers=answers,
        title=title,
        totals=totals_of(answers),
    )


def parts(answer: TracedAnswer) -> list[Part]:
    """Cuts an answer where passages and experts changed."""
    switches = answer.trace.switches
    ends = [*(one.position for one in switches), len(answer.text)]
    found = [Part(None, [], answer.text[: ends[0]].strip())] if answer.text[: ends[0]].strip() else []
    for switch, end in zip(switches, ends[1:], strict=True):
        # A method that does not doubt tells what was written last, which stands.
        doubted = switch.probabilities or switch.value
        found.append(Part(switch, marked(switch) if doubted else [], answer.text[switch.position : end].strip()))
    return found


def marked(switch: Switch) -> list[Stretch]:
    """Cuts a doubted sentence into stretches, with what was looked at in its own."""
    text = switch.sentence
    at = 0
    found: list[Stretch] = []
    for one in sorted(switch.probabilities, key=lambda looked: looked.start):
        end = one.start + len(one.text)
        if one.start < at:  # a name within a name that is marked already
            continue
        found += [Stretch(text[at : one.start], 0.0, False), Stretch(text[one.start : end], one.p, one.is_hit)]
        at = end
    return [part for part in (*found, Stretch(text[at:], 0.0, False)) if part.text]


def _retrievals(answers: Sequence[TracedAnswer]) -> str:
    counts = [one.trace.counters.retrieve for one in answers]
    heights = {number: counts.count(number) for number in range(max(counts, default=0) + 1)}
    return bars("Retrievals per question", "retrievals", "questions", heights)


def _places(answers: Sequence[TracedAnswer]) -> str:
    tokens = [switch.token for one in answers for switch in one.trace.real_switches]
    places = [token // TOKENS_PER_BAR * TOKENS_PER_BAR for token in tokens]
    heights = {place: places.count(place) for place in sorted(set(places))}
    return bars("Where switches fall", "token of the answer", "switches", heights)


def _scores(scored: Sequence[TracedAnswer]) -> str:
    groups: dict[int, list[float]] = {}
    for one in scored:
        groups.setdefault(len(one.trace.real_switches), []).append(one.f1 or 0.0)
    heights = {number: sum(scores) / len(scores) for number, scores in sorted(groups.items())}
    return bars("F1 by number of switches", "switches", "mean F1", heights)
