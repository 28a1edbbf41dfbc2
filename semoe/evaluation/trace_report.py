"""A run's answers and what happened while they were written, as one HTML page that opens offline.

Called by `semoe explain --html`. Takes records as `predict.json` has them; draws its plots as SVG inside the page.
"""

import io
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2

Record = Mapping[str, Any]
WIDTH_INCHES = 4.2
HEIGHT_INCHES = 2.6


def trace_page(records: Sequence[Record], title: str) -> str:
    """Returns the page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["marked"] = marked
    environment.filters["real_switches"] = real_switches
    source = (resources.files("semoe.evaluation") / "templates" / "trace.html.jinja").read_text(encoding="utf-8")
    plots = [_retrievals(records), _places(records)] + ([_scores(records)] if _scored(records) else [])
    return environment.from_string(source).render(records=records, title=title, plots=plots, totals=totals_of(records))


def totals_of(records: Sequence[Record]) -> dict[str, float]:
    """Returns sums and means over all records."""
    counters = [record["counters"] for record in records]
    scored = _scored(records)
    mean = {"mean F1": round(sum(float(record["f1"]) for record in scored) / len(scored), 4)} if scored else {}
    return (
        {"questions": len(records)}
        | mean
        | {
            "retrievals": sum(one["retrieve"] for one in counters),
            "doubted sentences": sum(one["hallucinated"] for one in counters),
            "drafts": sum(one["generate"] for one in counters),
            "answers that switched": sum(bool(real_switches(record)) for record in records),
        }
    )


def real_switches(record: Record) -> list[Any]:
    """Returns the retrievals that changed something; the others say in a note why they did not."""
    return [switch for switch in record["switches"] if not switch["note"]]


def marked(switch: Mapping[str, Any]) -> list[tuple[str, float, bool]]:
    """Cuts a doubted sentence into stretches: text, how unsure the model was, whether it counted as doubtful."""
    text = switch["sentence"]
    parts: list[tuple[str, float, bool]] = []
    at = 0
    for one in sorted(switch["probabilities"], key=lambda found: int(found["start"])):
        start = one["start"]
        end = start + len(one["text"])
        if start < at:
            continue
        parts += [(text[at:start], 0.0, False), (text[start:end], float(one["p"]), bool(one["is_hit"]))]
        at = end
    return [part for part in (*parts, (text[at:], 0.0, False)) if part[0]]


def _scored(records: Sequence[Record]) -> list[Record]:
    """Returns those that have a score: `main` writes none."""
    return [record for record in records if "f1" in record]


def _retrievals(records: Sequence[Record]) -> str:
    counts = [record["counters"]["retrieve"] for record in records]
    return _bars(
        "Retrievals per question",
        "retrievals",
        "questions",
        {n: counts.count(n) for n in range(max(counts, default=0) + 1)},
    )


def _places(records: Sequence[Record]) -> str:
    places = [switch["token"] // 8 * 8 for record in records for switch in real_switches(record)]
    return _bars(
        "Where switches fall", "token of the answer", "switches", {n: places.count(n) for n in sorted(set(places))}
    )


def _scores(records: Sequence[Record]) -> str:
    groups: dict[int, list[float]] = {}
    for record in _scored(records):
        groups.setdefault(len(real_switches(record)), []).append(float(record["f1"]))
    heights = {number: sum(scores) / len(scores) for number, scores in sorted(groups.items())}
    return _bars("F1 by number of switches", "switches", "mean F1", heights)


def _bars(title: str, x: str, y: str, heights: Mapping[int, float]) -> str:
    """Draws bars as SVG text."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (slow to import)

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    axes.bar([str(key) for key in heights], list(heights.values()), color="#3b6ea5")
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    # What comes before, an XML declaration, may not stand within HTML.
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]
