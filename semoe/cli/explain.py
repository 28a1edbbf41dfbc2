"""`semoe explain`: how answers came about that retrieved on their way; one on screen, or all as a page."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from semoe.cli import options as o
from semoe.cli.output import out, print_json, show
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.evaluation.traced import TracedAnswer
    from semoe.generation.switching.trace import Switch


@verb
def explain(
    path: Annotated[Path, typer.Argument(help="predict.json of `inference`, or output.jsonl of `main`.")],
    output: o.OutputOptions,
    question: Annotated[
        int | None, typer.Option("--question", min=0, help="Which question, from 0. Default: sums over all.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page about all questions to this file.")] = None,
) -> None:
    """Show where an answer was in doubt, what was asked, which passages and experts came, and how it went on.

    Example: semoe explain output/smollm2/…/token-prag/total/predict.json --question 0

    Example: semoe explain predict.json --html report.html
    """
    from semoe.evaluation.trace_page import trace_page
    from semoe.evaluation.traced import read_traced, totals_of
    from semoe.files import write_text
    from semoe.published.title import title_of

    answers = read_traced(path)
    if html:
        write_text(html, trace_page(answers, title_of(path)))
        show({"questions": len(answers), "page": html}, as_json=output.as_json)
    elif question is None:
        show(totals_of(answers), as_json=output.as_json)
    elif question >= len(answers):
        raise UsageError(f"{path} has questions 0 to {len(answers) - 1}, not {question}.", kind="no-question")
    elif output.as_json:
        print_json(asdict(answers[question]))
    else:
        _print(answers[question])


def _print(answer: "TracedAnswer") -> None:
    trace = answer.trace
    out.print(Text(answer.heading, style="bold"), soft_wrap=True)
    at = 0
    for switch in trace.switches:
        out.print(Text(answer.text[at : switch.position].strip(), style="green"), soft_wrap=True)
        at = switch.position
        _print_switch(switch)
    out.print(Text(answer.text[at:].strip(), style="green"), soft_wrap=True)
    if answer.f1 is not None:
        accepted = ", ".join(answer.accepted)
        out.print(f"answer: {answer.predicted!r}, F1 {answer.f1:.2f} (accepted: {accepted})")
    counters = ", ".join(f"{name} {value}" for name, value in asdict(trace.counters).items())
    _say(f"{counters}{'; bounded by ' + trace.stopped if trace.stopped else ''}")


def _print_switch(switch: "Switch") -> None:
    from semoe.evaluation.trace_page import marked

    line = Text("  ✗ ", style="dim")
    for text, p, is_hit in marked(switch):
        line.append(text, style="bold red" if is_hit else "yellow" if p else "dim")
        if p:
            line.append(f" {p:.2f}", style="red" if is_hit else "yellow")
    if switch.sentence:
        out.print(line, soft_wrap=True)
    note = f" ({switch.note})" if switch.note else ""
    out.print(f"  ? {switch.query}  [{switch.retrieve_ms:.0f} ms]{note}", soft_wrap=True)
    for passage in switch.passages:
        how = "not used" if switch.note else "expert" if passage.key in switch.experts else "text"
        _say(f"    {passage.title} ({how})")
    if switch.dropped_passages:
        _say(f"    {counted(switch.dropped_passages, 'passage')} left out: the context was full")


def _say(text: str) -> None:
    out.print(text, soft_wrap=True)
