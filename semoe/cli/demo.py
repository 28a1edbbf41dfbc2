"""`semoe demo`: the whole job on the passages and questions that come with the package: a plan, a run, a report."""

from importlib import resources
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import err, out
from semoe.cli.recipe import PresetName, RecipeOptions
from semoe.cli.runs.opening import open_run
from semoe.cli.runs.question_options import METHODS
from semoe.cli.runs.reckoning import EstimateOptions, keep_estimate
from semoe.cli.runs.report import show_report
from semoe.cli.runs.show_plan import show_plan
from semoe.cli.verbs import verb

if TYPE_CHECKING:
    from semoe.datasets.augmented import Task
    from semoe.runs.folder import RunFolder
    from semoe.stages.answer_record import AnswerRecord

DATASETS = ("popqa", "2wikimultihopqa")
FOLDER = Path("demo_run")
RUN = "demo"


@verb
def demo(
    output: o.OutputOptions,
    root_dir: Annotated[Path, typer.Option("--root_dir", help="Where everything goes.")] = FOLDER,
    model_name: o.ModelName = "smollm2",
    preset: PresetName = "semoe",
    topk: o.Topk = 3,
    sample: Annotated[
        int, typer.Option("--sample", help="Take the first so many questions of each dataset; -1: all.")
    ] = -1,
) -> None:
    """Do the whole job on real passages and questions, here: index, plan, run, report.

    Example: semoe demo

    Example, in a fraction of the time: semoe demo --sample 2 --topk 1 --root_dir small_demo
    """
    from semoe.runs.local import LocalBackend
    from semoe.runs.reporting import make_report
    from semoe.runs.stopping import interrupted_by_sigterm

    recipe = RecipeOptions(model_name=model_name, preset=preset)
    folder = _planned(root_dir, recipe, topk, sample, as_json=output.as_json)
    with interrupted_by_sigterm():
        LocalBackend(folder=folder).run()
    show_report(make_report(folder), as_json=output.as_json)
    if not output.as_json:
        _print_question(folder, folder.retrieved(0)[0])
        out.print(
            f"\nEverything lies in {root_dir}: the index, and a store with the experts and the run.", soft_wrap=True
        )
    place = f"--root_dir {quote(str(root_dir))}"
    err.print(f"Look around: semoe experts ls {place}; semoe report --run {RUN} {place}", soft_wrap=True)
    question = folder.retrieved(0)[0].question.question
    err.print(f'Ask, and watch the answer being written: semoe ask "{question}" {place}', soft_wrap=True)


def _planned(root_dir: Path, recipe: RecipeOptions, topk: int, sample: int, *, as_json: bool) -> "RunFolder":
    """Indexes the passages, and plans the run."""
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.runs.planning import PlanSettings, QuestionFile, plan_run
    from semoe.runs.retrieving import retrieve_and_cut
    from semoe.stages.index import ensure_index

    data = Path(str(resources.files("semoe"))) / "demo_data"
    where = RetrievalConfig(index_dir=root_dir / "index")
    settings = PlanSettings(
        files=tuple(QuestionFile(name, data / name) for name in DATASETS),
        recipe=recipe.settings(DATASETS[0]),
        topk=topk,
        sample=sample,
        retriever="bm25",
        index_dir=where.index_dir,
        index_name=where.index_name,
        methods=tuple(METHODS.split(",")),
    )
    ensure_index(str(data / "passages.tsv"), "bm25", where)
    folder = open_run(o.PlaceOptions(root_dir=root_dir), RUN)
    manifest = retrieve_and_cut(folder, plan_run(folder, settings))
    found = keep_estimate(folder, manifest, None, EstimateOptions())
    if not as_json:
        show_plan(folder, manifest, found, unknown="")
    return folder


def _print_question(folder: "RunFolder", task: "Task") -> None:
    from semoe.runs.reporting import augmented_passages, records_of

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


def _print_answer(method: str, record: "AnswerRecord") -> None:
    said = " ".join(record.text.split())
    out.print(f"  {method:12} {record.predicted!r}  (F1 {record.scores.f1:.2f}; said: {said!r})", soft_wrap=True)
