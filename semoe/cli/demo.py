"""`semoe demo`: the whole job on the passages and questions that come with the package."""

import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from semoe.augment import AugmentSettings
from semoe.cli import options as o
from semoe.cli.output import err, out
from semoe.datasets import AugmentedQuestion
from semoe.evaluation import ReportRow, Scores, comparison_table, mean_scores
from semoe.models import Model, load_model
from semoe.retrieval import Bm25Retriever, build_index, read_passages
from semoe.worker.answer import InferenceSettings
from semoe.worker.augment import augment
from semoe.worker.encode import encode, questions_of
from semoe.worker.inference import InferenceReport, inference
from semoe.worker.retrieve import retrieve
from semoe.worker.settings import StageSettings

DATASETS = ("popqa", "2wikimultihopqa")
CONTROL = InferenceSettings(inference_method="prag", experts="random")
METHODS = (*(InferenceSettings(inference_method=m) for m in ("none", "icl", "prag", "combine")), CONTROL)
FOLDER = Path("demo_run")


def demo(
    root_dir: Annotated[Path, typer.Option("--root_dir", help="Where everything goes.")] = FOLDER,
    model_name: o.ModelName = "smollm2",
    preset: o.PresetName = "semoe",
    topk: o.Topk = 3,
) -> None:
    """Do the whole job on real passages and questions, here: index, retrieve, augment, encode, answer, score.

    Example: semoe demo
    """
    model = load_model(model_name)
    data = Path(str(resources.files("semoe"))) / "demo_data"
    index = root_dir / "index" / "demo"
    if not index.exists():
        build_index(read_passages(data / "passages.tsv"), index)
    settings = [o.stage(root_dir, model_name, name, o.adjusted(preset), data_type="total") for name in DATASETS]
    for stage in settings:
        err.print(f"[bold]{stage.dataset}[/]")
        _prepare(model, Bm25Retriever(index), stage, data / stage.dataset, topk)
    reports = {how.folder_name: _timed(model, settings, how) for how in METHODS}
    rows = [_row(name, found, seconds) for name, (found, seconds) in reports.items()]
    out.print(comparison_table(rows, "prag_random is the control: other passages' experts"))
    _print_question(questions_of(settings[0], "total")[0], {n: found[0] for n, (found, _) in reports.items()})
    out.print(f"\nEverything lies in {root_dir}/: retrieved/, data_aug/, offline/ (experts), output/ (answers).")


def _prepare(model: Model, retriever: Bm25Retriever, stage: StageSettings, data: Path, topk: int) -> None:
    retrieve(retriever, stage, data, topk=topk)
    recipe = stage.preset.augmentation
    how = AugmentSettings(augmenter=recipe.kind, model=stage.model_name, max_pairs=recipe.max_pairs)
    augment(how, stage, topk=topk)
    report = encode(model, stage)
    err.print(f"  {report.num_trained} experts trained, {report.num_found} found")


def _timed(
    model: Model, settings: Sequence[StageSettings], how: InferenceSettings
) -> tuple[list[InferenceReport], float]:
    start = time.monotonic()
    found = [report for stage in settings for report in inference(model, stage, how)]
    return found, time.monotonic() - start


def _row(name: str, found: Sequence[InferenceReport], seconds: float) -> ReportRow:
    each = [Scores(*(float(r[k]) for k in ("em", "f1", "prec", "recall"))) for f in found for r in f.records]
    experts = sum(f.num_experts for f in found)
    return ReportRow(method=name, scores=mean_scores(each), n=len(each), seconds=seconds, num_experts=experts)


def _print_question(question: AugmentedQuestion, reports: dict[str, InferenceReport]) -> None:
    out.print(f"\n[bold]The first question in full[/]\n{question.question}  (accepted: {', '.join(question.answers)})")
    for passage in question.passages:
        out.print(
            f"\n  passage {passage.pid + 1}, {passage.title}: {passage.passage}",
            soft_wrap=True,
            highlight=False,
        )
        for pair in passage.qa[:4]:
            out.print(f"    its expert learnt: {pair.question} → {pair.answer}", soft_wrap=True, highlight=False)
    for name, report in reports.items():
        record = report.records[0]
        said = " ".join(record["text"].split())
        out.print(
            f"  {name:12} {record['eval_predict']!r}  (F1 {float(record['f1']):.2f}; said: {said!r})",
            highlight=False,
        )
