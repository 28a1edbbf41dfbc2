"""A reproduction's report as sections of text and tables, for whoever writes them down: Markdown or a page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from semoe.evaluation.section import Section, Table, few, share
from semoe.reproduction.config import PublishedFigure
from semoe.reproduction.report import TOTAL, Cell, Difference, Reproduction
from semoe.runs.cost import cost_rows
from semoe.words import counted


def sections(found: Reproduction) -> Iterator[Section]:
    """Yields the parts in order."""
    if found.changed:
        yield Section("Not as the config says", points=found.changed)
    for dataset, kind in dict.fromkeys((one.dataset, one.type) for one in found.cells):
        yield _scores(found, dataset, kind)
    yield _differences(found.differences)
    yield _published(found)
    yield Section("What differs from the original", points=found.experiment.differs)
    yield _cost(found)
    yield _made(found)


def _scores(found: Reproduction, dataset: str, kind: str) -> Section:
    cells = [one for one in found.cells if (one.dataset, one.type) == (dataset, kind)]
    rows = tuple(_row(one, found.seconds[one.method] if kind == TOTAL else None) for one in cells)
    columns = ("method", "n", "F1", "EM", "precision", "recall", "published", "seconds", "experts")
    line = "In percent, with the 95 % interval over questions. A control has experts of other questions' passages."
    took = "Seconds are of the attempt that finished a shard: what was answered before it was stopped is not in them."
    return Section(
        f"{dataset}, {kind}", (line, took, *few(min(one.num_questions for one in cells))), table=Table(columns, rows)
    )


def _row(cell: Cell, seconds: float | None) -> tuple[str, ...]:
    ordered = (cell.scores[name] for name in ("f1", "em", "precision", "recall"))
    published = ", ".join(f"{one.metric} {one.value:g}" for one in cell.published) or "none"
    took = "" if seconds is None else f"{seconds:,.1f}"
    return (cell.method, str(cell.num_questions), *map(share, ordered), published, took, f"{cell.num_experts:,}")


def _differences(found: Sequence[Difference]) -> Section:
    if not found:
        return Section("Differences", ("Nothing is compared: no two of these ways to answer belong together.",))
    line = "Over the same questions, in points. An interval that holds 0 tells no difference."
    rows = tuple(
        (
            f"{one.method} − {one.against}",
            f"{one.dataset}, {one.type}",
            str(one.num_questions),
            share(one.scores["f1"]),
            share(one.scores["em"]),
            one.says,
        )
        for one in found
    )
    return Section(
        "Differences", (line,), table=Table(("difference", "questions", "n", "F1", "EM", "what it says"), rows)
    )


def _published(found: Reproduction) -> Section:
    figures: list[PublishedFigure] = [one for cell in found.cells for one in cell.published]
    if not figures:
        return Section("Published figures", ("None is published for this experiment in a place that could be read.",))
    points = tuple(f"{one.method}, {one.type}: {one.metric} {one.value:g} ({one.source})" for one in figures)
    return Section("Published figures", points=points)


def _cost(found: Reproduction) -> Section:
    rows = cost_rows(found.cost)
    experts = found.experts
    rows += [
        ("distinct passages", f"{experts.planned:,}"),
        ("experts in the store", f"{experts.in_store:,}"),
        ("of them trained by this run", f"{experts.committed:,}"),
        ("passages that gave nothing to learn", f"{experts.without_pairs:,}"),
        ("passages set aside", f"{found.aside:,}"),
    ]
    return Section("What it took", _too_long(found), table=Table(("what", "how much"), tuple(rows)))


def _too_long(found: Reproduction) -> tuple[str, ...]:
    """Says which answers the model's context had no room for, field by field."""
    return tuple(
        f"{method}: the model's context had no room for all: {said}."
        for method, one in found.overflow.items()
        if (said := ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(one).items() if value))
    )


def _made(found: Reproduction) -> Section:
    made = found.made
    rows = [
        ("command", made.command),
        ("time (UTC)", made.time),
        ("model", made.model),
        ("model's digest", made.model_digest),
        ("preset, augmented by", f"{made.preset}, {made.augmented_by}"),
        ("numbers", made.dtype),
        ("retrieval", f"{made.retriever}, the first {counted(made.topk, 'passage')}"),
        ("passages of the index", "not known here" if made.num_passages is None else f"{made.num_passages:,}"),
        ("device", "; ".join(made.devices) or "not recorded"),
        ("run, store", f"{made.run}, {made.store}"),
        ("space of the experts", made.space),
        *(("state that answers read", f"{one.digest}, {counted(one.num_experts, 'expert')}") for one in found.states),
        ("seeds", ", ".join(f"{name} {value}" for name, value in made.seeds.items())),
        ("draws of the bootstrap", f"{found.draws:,}"),
        ("versions", ", ".join(f"{name} {value}" for name, value in made.versions.items())),
    ]
    return Section("How it was made", table=Table(("what", "value"), tuple(rows)))
