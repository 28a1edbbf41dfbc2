"""Answers with their traces, as `semoe explain` reads them: from `predict.json`, or from `output.jsonl` of `main`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from semoe.errors import UsageError
from semoe.files import read_text
from semoe.generation.switching.trace import Trace, read_trace


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedAnswer:
    """An answer and how it was written."""

    heading: str
    """The question; its id where the file has no more."""
    text: str
    trace: Trace
    predicted: str = ""
    accepted: tuple[str, ...] = ()
    f1: float | None = None
    """None where the file holds no scores: `main` writes none."""


def read_traced(path: Path) -> list[TracedAnswer]:
    """Reads answers with their traces.

    Raises:
        UsageError: no such file, no JSON, or its answers were written in one go.
    """
    text = read_text(path)
    try:
        lines = [line for line in text.split("\n") if line] if path.suffix == ".jsonl" else []
        found = [orjson.loads(line) for line in lines] if lines else orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path} is no JSON ({error}).", kind="broken-file") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) and "switches" in one for one in found):
        raise UsageError(
            f"{path} holds no traces: its answers were written in one go. Give `semoe inference` a --method.",
            kind="no-trace",
        )
    try:
        return [_traced(one) for one in found]
    except (KeyError, ValueError) as error:
        raise UsageError(f"{path} holds traces of another version ({error}).", kind="broken-file") from error


def totals_of(answers: Sequence[TracedAnswer]) -> dict[str, float]:
    """Returns sums and means over all answers, by a name for people."""
    counters = [one.trace.counters for one in answers]
    scores = [one.f1 for one in answers if one.f1 is not None]
    return {
        "questions": len(answers),
        **({"mean F1": round(sum(scores) / len(scores), 4)} if scores else {}),
        "retrievals": sum(one.retrieve for one in counters),
        "doubted sentences": sum(one.hallucinated for one in counters),
        "drafts": sum(one.generate for one in counters),
        "answers that switched": sum(bool(one.trace.real_switches) for one in answers),
    }


def _traced(record: Mapping[str, Any]) -> TracedAnswer:
    trace = read_trace(record)
    assert trace is not None
    return TracedAnswer(
        heading=record.get("question") or record.get("qid", ""),
        text=record["text"],
        trace=trace,
        predicted=record.get("eval_predict", ""),
        accepted=tuple(record.get("answer", ())),
        f1=float(record["f1"]) if "f1" in record else None,
    )
