"""`semoe demo`: the whole job on the passages and questions that come with the package: a plan, a run, a report."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import err, out
from semoe.cli.runs.do import run
from semoe.cli.runs.opening import open_run
from semoe.cli.runs.plan import plan
from semoe.datasets import Task
from semoe.published.from_run import augmented_passages
from semoe.runs import RunFolder
from semoe.runs.report import records_of
from semoe.stages.answer_record import AnswerRecord

DATASETS = ("popqa", "2wikimultihopqa")
FOLDER, RUN = Path("demo_run"), "demo"


def demo(
    root_dir: Annotated[Path, typer.Option("--root_dir", help="Where everything goes.")] = FOLDER,
    model_name: o.ModelName = "smollm2",
    preset: o.PresetName = "semoe",
    topk: o.Topk = 3,
) -> None:
    """Do the whole job on real passages and questions, here: index, plan, run, report.

    Example: semoe demo
    """
    data = Path(str(resources.files("semoe"))) / "demo_data"
    plan(
        RUN, list(DATASETS), [data / name for name in DATASETS], model_name,
        preset=preset, topk=topk, corpus=str(data / "passages.tsv"), index_dir=root_dir / "index", root_dir=root_dir,
    )  # fmt: skip
    run(RUN, root_dir=root_dir)
    folder = open_run(None, root_dir, RUN)
    _print_question(folder, folder.retrieved(0)[0])
    out.print(f"\nEverything lies in {root_dir}: the index, and a store with the experts and the run.")
    err.print(f"Look around: semoe experts ls --root_dir {root_dir}; semoe report --run {RUN} --root_dir {root_dir}")


def _print_question(folder: RunFolder, task: Task) -> None:
    question = task.question
    out.print("\nThe first question in full", style="bold")
    out.print(f"{question.question}  (accepted: {', '.join(question.answers)})", soft_wrap=True)
    learnt = augmented_passages(folder)
    for passage, key in zip(question.passages, task.keys, strict=True):
        out.print(f"\n  passage {passage.pid + 1}, {passage.title}: {passage.passage}", soft_wrap=True)
        for pair in learnt[key].qa[:4]:
            out.print(f"    its expert learnt: {pair.question} → {pair.answer}", soft_wrap=True)
    for method in folder.plan().methods:
        _print_answer(method, records_of(folder, method)[0])


def _print_answer(method: str, record: AnswerRecord) -> None:
    said = " ".join(record.text.split())
    out.print(f"  {method:12} {record.predicted!r}  (F1 {record.scores.f1:.2f}; said: {said!r})")
