"""`semoe report` and `semoe export`: what a run came to, for people, programs and the published layout."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import out, show, show_rows, table
from semoe.cli.overflow import tell_overflow
from semoe.cli.runs.opening import Run, open_run
from semoe.cli.runs.stage_rows import tell_aside, tell_failures
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semoe.runs.counts import EncodeCounts
    from semoe.runs.folder import RunFolder
    from semoe.runs.report import MethodReport, RunReport
    from semoe.store.state import StoreState


@verb
def report(
    run: Run,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    partial: Annotated[
        bool, typer.Option("--partial", help="Of an unfinished run too: how far it is and what failed (outcome.json).")
    ] = False,
    said: Annotated[str, typer.Option("--said", help="With --partial: what ended the run, to be kept.")] = "",
    wait_seconds: Annotated[
        float,
        typer.Option("--wait_seconds", min=0, help="With --partial: for living workers, at most so long."),
    ] = 0.0,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            help="Write the run, finished or not, as one page that opens offline: to this file, or as report-RUN.html "
            "into this folder.",
        ),
    ] = None,
) -> None:
    """Show what a finished run came to: experts, scores with intervals, counts.

    Example: semoe report --run first

    Example: semoe report --run first --html .
    """
    from semoe.runs.report import find_report

    folder = open_run(place, run)
    if not partial and (said or wait_seconds):
        raise UsageError("--said and --wait_seconds are for --partial.", kind="options")
    if html:
        _write_page(folder, html, partial=partial, as_json=output.as_json)
        return
    there = find_report(folder)
    if there and not partial:
        show_report(there, as_json=output.as_json)
        return
    # Only what is not made yet needs all that making it takes.
    from semoe.runs.outcome import make_outcome
    from semoe.runs.reporting import make_report
    from semoe.runs.status import COLUMNS, stage_row

    if not partial:
        show_report(make_report(folder), as_json=output.as_json)
        return
    outcome, whole = make_outcome(folder, said, wait_seconds)
    if whole:
        show_report(whole, as_json=output.as_json)
    elif output.as_json:
        show(asdict(outcome), as_json=True)
    else:
        show_rows(f"Run {run}, not finished", COLUMNS, [stage_row(one) for one in outcome.stages])
        tell_failures(outcome.failures)


@verb
def export(
    run: Run,
    place: o.PlaceOptions,
    output: o.OutputOptions,
    to: Annotated[Path, typer.Option("--to", help="Folder for data_aug, offline and output.")],
) -> None:
    """Write a finished run in the published layout: data_aug, one PEFT folder for each question's passage, answers.

    Example: semoe export --run first --to published
    """
    from semoe.published.from_run import export_run

    show(asdict(export_run(open_run(place, run), to)), as_json=output.as_json)


def _write_page(folder: "RunFolder", html: Path, *, partial: bool, as_json: bool) -> None:
    from semoe.runs.page.page import write_page

    if partial:
        raise UsageError("--html shows an unfinished run as it is: leave out --partial.", kind="options")
    show({"run": folder.run, "page": write_page(folder, html)}, as_json=as_json)


def show_report(found: "RunReport", *, as_json: bool = False) -> None:
    """Prints a run's report."""
    if as_json:
        show(asdict(found), as_json=True)
        return
    from semoe.evaluation.table import ReportRow, comparison_table
    from semoe.runs.counts import RunCounts

    counts = RunCounts.of(found.counts)
    rows = [
        ReportRow(
            method=one.method,
            scores=one.scores,
            n=one.num_questions,
            seconds=counts.inference.seconds[one.method],
            num_experts=one.num_experts,
        )
        for one in found.overall
    ]
    # A run over a corpus has no questions.
    if rows:
        out.print(comparison_table(rows, "All questions; …_random is the control: other passages' experts"))
        names = list(dict.fromkeys(f"{one.dataset}, {one.data_type}" for one in found.methods))
        f1 = {(f"{m.dataset}, {m.data_type}", m.method): m for m in found.methods}
        cells = [[row.method, *(_percent(f1[name, row.method]) for name in names)] for row in rows]
        table("F1 in percent, 95 % interval over questions", ("method", *names), cells)
    experts = found.experts
    once = "each once" if experts.committed == experts.committed_distinct else "SOME MORE THAN ONCE"
    out.print(
        f"{counted(experts.planned, 'distinct passage')}: {counted(experts.in_store, 'expert')} in the store, "
        f"{counted(experts.without_pairs, 'passage')} gave nothing to learn. This run published "
        f"{experts.committed}, {once}.",
        soft_wrap=True,
    )
    _tell_states(found.states)
    tell_aside(found.aside)
    tell_overflow((one.method, one.num_questions, one.overflow) for one in found.overall)
    _tell_sequences(counts.encode)
    if counts.encode.augmented:
        out.print(
            f"Of {counts.encode.training_seconds:,.0f} seconds of training {counts.encode.waiting_seconds:,.0f} were "
            f"spent waiting for {counted(round(counts.encode.augmented), 'passage')} to be augmented.",
            soft_wrap=True,
        )


def _tell_states(states: "Iterable[StoreState]") -> None:
    """Says which experts the answers read."""
    for one in states:
        out.print(
            f"Answers read state {one.digest} of space {one.space}: {counted(one.num_experts, 'expert')} of "
            f"{counted(one.num_commits, 'commit')}, snapshot {one.snapshot}. To read it again: --snapshot {one.digest}",
            soft_wrap=True,
        )


def _tell_sequences(counts: "EncodeCounts") -> None:
    """Says how much of what experts were to learn was too long."""
    if counts.cut_sequences or counts.left_out_sequences or counts.sequences_beyond_context:
        out.print(
            f"Of the sequences that experts learn {counts.cut_sequences:.0f} were cut, "
            f"{counts.left_out_sequences:.0f} left out, "
            f"and {counts.sequences_beyond_context:.0f} are longer than the model's context.",
            soft_wrap=True,
        )


def _percent(one: "MethodReport") -> str:
    return f"{100 * one.scores.f1:.1f} [{100 * one.f1_low:.1f}, {100 * one.f1_high:.1f}]"
