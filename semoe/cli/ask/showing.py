"""An answered question, for a person beside others, and for a program as one document."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from semoe.cli.output import err, out
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.datasets.augmented import Task
    from semoe.stages.asking import Asked, Asker
    from semoe.stages.inference_settings import InferenceSettings


def show_answers(
    asker: "Asker", question: str, ways: "Sequence[InferenceSettings]", *, is_shown: bool
) -> "list[tuple[InferenceSettings, Asked]]":
    """Answers a question in each way, live where that is wanted; returns the answers."""
    answers = [(how, _show_answer(asker, question, how, is_shown=is_shown)) for how in ways]
    if is_shown:
        if len(answers) > 1:
            out.print(_side_by_side(answers))
        for how, one in answers:
            if one.told:
                err.print(f"{how.folder_name}: {one.told}", soft_wrap=True)
    return answers


def _show_answer(asker: "Asker", question: str, how: "InferenceSettings", *, is_shown: bool) -> "Asked":
    from semoe.cli.ask.live import Live, passage_line
    from semoe.generation.switching.methods import known_method, methods

    if not is_shown:
        return asker.answer(question, how)
    out.print(Text(how.folder_name, "bold"))
    looks = how.switching is not None and methods[known_method(how.switching.method)].looks_at_attention
    live = Live(out, asker.model.tokenizer.decode, has_p=not looks)

    def found(task: "Task") -> None:
        for one, key in zip(task.question.passages, task.keys, strict=True):
            expert = ("its expert comes" if asker.has_expert(key) else "it has no expert") if how.loads_experts else ""
            out.print(passage_line(one.title, one.passage, expert), soft_wrap=True)

    asked = asker.answer(question, how, live, found)
    live.end()
    out.print(Text.assemble("answer: ", (asked.record.predicted or "(none)", "bold")), soft_wrap=True)
    out.print(Text(_about(asked), "dim"), soft_wrap=True)
    return asked


def _about(asked: "Asked") -> str:
    trace = asked.record.trace
    parts = [counted(asked.record.num_experts, "expert")]
    if trace:
        parts += [counted(trace.counters.retrieve, "retrieval"), counted(len(trace.real_switches), "switch")]
    first = asked.first_word_seconds
    return "; ".join([", ".join(parts), f"first word after {first:.2f} s" if first else "", f"{asked.seconds:.2f} s"])


def _side_by_side(answers: "Sequence[tuple[InferenceSettings, Asked]]") -> Table:
    from semoe.cli.ask.live import coloured

    made = Table(show_lines=True)
    for name in ("way", "answer", "as it was written", "experts", "seconds"):
        made.add_column(name, justify="right" if name in ("experts", "seconds") else "left", overflow="fold")
    for how, one in answers:
        said = coloured(one.words)
        made.add_row(how.folder_name, one.record.predicted, said, str(one.record.num_experts), f"{one.seconds:.2f}")
    return made


def document(asker: "Asker", question: str, answers: "Sequence[tuple[InferenceSettings, Asked]]") -> dict[str, Any]:
    """Returns a question with its answers as a program reads them."""
    return {
        "question": question,
        "model": asker.recipe.model_name,
        "space": asker.recipe.space(asker.model).name,
        "answers": [_answer(asker, how, asked) for how, asked in answers],
    }


def _answer(asker: "Asker", how: "InferenceSettings", asked: "Asked") -> dict[str, Any]:
    record = asked.record
    return {
        "method": how.folder_name,
        "text": record.text,
        "predicted": record.predicted,
        "words": [{"text": one.text, "p": round(one.p, 4)} for one in asked.words],
        "passages": [
            {
                "title": one.title,
                "text": one.passage,
                "score": one.score,
                "key": key,
                "has_expert": asker.has_expert(key),
            }
            for one, key in zip(asked.task.question.passages, asked.task.keys, strict=True)
        ],
        "num_experts": record.num_experts,
        **record.fit._asdict(),
        **(asdict(record.trace) if record.trace else {}),
        "state": record.state.digest if record.state else None,
        "seconds": round(asked.seconds, 3),
        "first_word_seconds": None if asked.first_word_seconds is None else round(asked.first_word_seconds, 3),
    }
