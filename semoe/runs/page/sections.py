"""A run as sections of text and tables."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from semoe import __version__
from semoe.evaluation.section import Section, Table, few, share
from semoe.runs.cost import cost_rows
from semoe.runs.page.found import FoundRun
from semoe.runs.page.rates import losses, slowest
from semoe.runs.page.scores import SetScores
from semoe.runs.status import COLUMNS, stage_row
from semoe.words import counted

SHOWN = 20
"""Errors, and passages set aside, that are shown; how many more there are is said."""
_INTERVALS = "In percent, with the 95 % interval over questions. …_random is the control: other passages' experts."


def sections(found: FoundRun, scores: Sequence[SetScores]) -> Iterator[Section]:
    """Yields the parts in order; what is not there has none."""
    yield _progress(found)
    for one in scores:
        yield _scores(one)
        yield from _differences(one)
    yield from _errors(found)
    yield from _aside(found)
    yield _experts(found)
    yield from _slow(found)
    yield Section("What it took", table=Table(("what", "how much"), tuple(cost_rows(found.cost))))
    yield _made(found)


def _progress(found: FoundRun) -> Section:
    if found.report:
        line = f"Finished {_moment(found.report.time)}."
    else:
        line = f"Not finished; this is how far it was {_moment(datetime.now(UTC).timestamp())}."
    attempts = f"Attempts at shards that ended badly: {found.num_failed_attempts}."
    rows = tuple(tuple(stage_row(one).values()) for one in found.stages)
    return Section("Progress", (line, attempts), table=Table(COLUMNS, rows))


def _scores(one: SetScores) -> Section:
    rows = []
    for method, means in one.means.items():
        records = one.answers[method]
        shares = (share(means[name]) for name in ("f1", "em", "precision", "recall"))
        rows.append((method, str(len(records)), *shares, f"{sum(record.num_experts for record in records):,}"))
    columns = ("method", "n", "F1", "EM", "precision", "recall", "experts")
    lines = (_INTERVALS, *few(min(map(len, one.answers.values()))))
    return Section(f"Scores: {one.dataset}, {one.data_type}", lines, table=Table(columns, tuple(rows)))


def _differences(one: SetScores) -> Iterator[Section]:
    rows = tuple(
        (f"{pair.method} − {pair.against}", share(means["f1"]), share(means["em"]), pair.says)
        for pair, means in one.differences
    )
    if rows:
        line = "Over the same questions, in points. An interval that holds 0 tells no difference."
        table = Table(("difference", "F1", "EM", "what it says"), rows)
        yield Section(f"Differences: {one.dataset}, {one.data_type}", (line,), table=table)


def _errors(found: FoundRun) -> Iterator[Section]:
    rows = tuple(
        (one.stage, str(one.shard), "for good" if one.is_final else "to be tried again", one.kind, one.message)
        for one in found.failures[:SHOWN]
    )
    if rows:
        lines = _more(len(found.failures), f"semoe logs --run {found.run} --failed")
        yield Section("First errors", lines, table=Table(("stage", "shard", "failed", "kind", "why"), rows))


def _aside(found: FoundRun) -> Iterator[Section]:
    rows = tuple((one.id, one.title, str(one.shard), one.why) for one in found.aside[:SHOWN])
    if rows:
        line = f"{counted(len(found.aside), 'passage')} failed with others and alone, and got no expert."
        lines = (line, *_more(len(found.aside), f"semoe report --run {found.run} --json"))
        yield Section("Passages set aside", lines, table=Table(("passage", "title", "shard", "why"), rows))


def _more(count: int, how: str) -> tuple[str, ...]:
    return (f"The first {SHOWN} of {count:,}; all of them: {how}",) if count > SHOWN else ()


def _experts(found: FoundRun) -> Section:
    shards = found.of_stage("encode")
    trained = sum(one.counts.get("trained", 0.0) for one in shards)
    seconds = sum(one.seconds for one in shards)
    told = [one.counts for one in shards if one.shard in losses(found)]
    rows = [
        ("shards that are finished", f"{len(shards):,}"),
        ("experts that they trained", f"{trained:,.0f}"),
        ("tokens that they trained on", f"{sum(one.counts.get('tokens', 0.0) for one in shards):,.0f}"),
    ]
    if trained and seconds:
        rows.append(("experts a second of one worker", f"{trained / seconds:,.2f}"))
    if told:
        mean = sum(one["losses"] for one in told) / sum(one["trained"] for one in told)
        rows.append(("mean loss at their last step, nats", f"{mean:.3f}"))
    if found.report:
        experts = found.report.experts
        rows += [
            ("distinct passages", f"{experts.planned:,}"),
            ("of them with an expert in the store", f"{experts.in_store:,}"),
            ("of them that gave nothing to learn", f"{experts.without_pairs:,}"),
            ("experts that this run published", f"{experts.committed:,}"),
        ]
    line = "Figures of shards are of the attempt that finished each: what was trained before it is not in them."
    return Section("Experts", (line,), table=Table(("what", "how much"), tuple(rows)))


def _slow(found: FoundRun) -> Iterator[Section]:
    rows = tuple(
        (one.stage, str(one.shard), "finished" if one.is_finished else "at work", f"{one.rate:,.2f}",
         f"{one.of_median:.2f}")
        for one in slowest(found)
    )  # fmt: skip
    if rows:
        yield Section(
            "Slowest shards", table=Table(("stage", "shard", "state", "items a second", "share of the median"), rows)
        )


def _made(found: FoundRun) -> Section:
    plan, states = found.plan, found.report.states if found.report else ()
    devices = dict.fromkeys(one.device for one in found.shards if one.device)
    corpus = (("corpus", str(plan.corpus.file.path)),) if plan.corpus else ()
    rows = (
        ("run, store", f"{found.run}, {found.store}"),
        ("model", plan.model_name),
        ("model's digest", plan.model_digest or "not recorded"),
        ("preset, augmented by", f"{plan.preset.name}, {plan.augmented_by}"),
        *corpus,
        ("ways to answer", ", ".join(plan.methods) or "none"),
        ("retrieval", f"{plan.retriever}, index {plan.index_name}, the first {counted(plan.topk, 'passage')}"),
        ("numbers", plan.dtype),
        ("devices", "; ".join(devices) or "not recorded"),
        ("space of the experts", plan.space or "not recorded"),
        *(("state that answers read", f"{one.digest}, {counted(one.num_experts, 'expert')}") for one in states),
        ("page written by", f"semoe {__version__}, {_moment(datetime.now(UTC).timestamp())}"),
    )
    return Section("How it was made", table=Table(("what", "value"), rows))


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")
