"""`semoe explain`: how answers came about that retrieved on their way; one on screen, or all as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from semoe.cli.output import out, show
from semoe.errors import UsageError
from semoe.evaluation.trace_report import marked, totals_of, trace_page
from semoe.files import read_text, write_text

Record = Mapping[str, Any]


def explain(
    path: Annotated[Path, typer.Argument(help="predict.json of `inference`, or output.jsonl of `main`.")],
    question: Annotated[
        int | None, typer.Option("--question", min=0, help="Which one, from 0; default: sums over all.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page about all questions here.")] = None,
) -> None:
    """Show where an answer was in doubt, what was asked, which passages and experts came, and how it went on.

    Example: semoe explain output/smollm2/…/token-prag/total/predict.json --question 0

    Example: semoe explain predict.json --html report.html
    """
    records = read_records(path)
    if html:
        write_text(html, trace_page(records, path.parent.name))
        show({"questions": len(records), "page": html})
    elif question is None:
        show(totals_of(records))
    elif question >= len(records):
        raise UsageError(f"{path} has questions 0 to {len(records) - 1}, not {question}.", kind="no-question")
    else:
        _print(records[question])


def read_records(path: Path) -> list[dict[str, Any]]:
    """Reads records with traces.

    Raises:
        UsageError: no such file, or its answers were written in one go.
    """
    text = read_text(path)
    try:
        lines = text.split("\n") if path.suffix == ".jsonl" else []
        found = [orjson.loads(line) for line in lines if line] if lines else orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path} is no JSON ({error}).", kind="broken-file") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) and "switches" in one for one in found):
        raise UsageError(
            f"{path} holds no traces: its answers were written in one go. Give `semoe inference` a --method.",
            kind="no-trace",
        )
    return [{"question": "", "qid": ""} | one for one in found]


def _print(record: Record) -> None:
    out.print(Text(record["question"] or record["qid"], style="bold"), soft_wrap=True)
    at = 0
    for switch in record["switches"]:
        out.print(Text(record["text"][at : switch["position"]].strip(), style="green"), soft_wrap=True)
        at = switch["position"]
        _print_switch(switch)
    out.print(Text(record["text"][at:].strip(), style="green"), soft_wrap=True)
    if "f1" in record:
        accepted = ", ".join(record["answer"])
        out.print(f"answer: {record['eval_predict']!r}, F1 {float(record['f1']):.2f} (accepted: {accepted})")
    counters = ", ".join(f"{name} {value}" for name, value in record["counters"].items())
    _say(f"{counters}{'; bounded by ' + record['stopped'] if record['stopped'] else ''}")


def _print_switch(switch: Mapping[str, Any]) -> None:
    line = Text("  ✗ ", style="dim")
    for text, p, is_hit in marked(switch):
        line.append(text, style="bold red" if is_hit else "yellow" if p else "dim")
        if p:
            line.append(f" {p:.2f}", style="red" if is_hit else "yellow")
    if switch["sentence"]:
        out.print(line, soft_wrap=True)
    note = f" ({switch['note']})" if switch["note"] else ""
    out.print(f"  ? {switch['query']}  [{switch['retrieve_ms']:.0f} ms]{note}", soft_wrap=True)
    for passage in switch["passages"]:
        how = "not used" if switch["note"] else "expert" if passage["key"] in switch["experts"] else "text"
        _say(f"    {passage['title']} ({how})")
    if switch["dropped_passages"]:
        _say(f"    {switch['dropped_passages']} passages left out: the context was full")


def _say(text: str) -> None:
    out.print(text, soft_wrap=True)
