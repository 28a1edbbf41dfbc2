"""`semoe evaluate`: a table of finished answers' scores, or of what a retriever finds."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.gathering import retrieval_config
from semoe.cli.option_groups import option_group
from semoe.cli.output import err, print_json, table
from semoe.cli.overflow import tell_overflow
from semoe.cli.verbs import verb
from semoe.errors import UsageError
from semoe.files import require_there
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.evaluation.bootstrap import Interval
WIKIPEDIA = 21_015_324
"""Passages of the corpus that the published runs retrieve from (`psgs_w100.tsv`)."""


@option_group("A retriever (with --retrieval)", table="retrieval")
class RetrievalOptions:
    """What to ask, instead of folders of answers."""

    retrieval: Annotated[
        bool, typer.Option("--retrieval", help="Score what a retriever finds for a dataset's questions.")
    ] = False
    dataset: Annotated[str | None, typer.Option("--dataset", help="2wikimultihopqa, hotpotqa, popqa, cwq, …")] = None
    data_path: Annotated[
        Path | None, typer.Option("--data_path", help="Folder with the dataset's files, or the file.")
    ] = None
    sample: o.Sample = -1
    plot: Annotated[Path | None, typer.Option("--plot", help="Draw it as well, into a file .svg, .png or .pdf.")] = None


@verb
def evaluate(
    output: o.OutputOptions,
    asked: RetrievalOptions,
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    folders: Annotated[list[Path] | None, typer.Argument(help="Output folders of inference or main.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="One folder, as the published command has it: the same as an argument.")
    ] = None,
    extraction: Annotated[
        list[str] | None,
        typer.Option(
            "--extraction",
            help="How answers are read off texts: published, published_cot, semoe. Default: published (of chains "
            "of thought published_cot) and semoe.",
        ),
    ] = None,
) -> None:
    """Score finished answers again, with 95 % intervals; or what a retriever finds.

    Answers are read by the published and the repaired extraction. A folder of `main` is scored with the answers of the
    dataset that its config.json names.

    Example: semoe evaluate output/smollm2/rank=2_alpha=32/popqa/*/aug_model=parse/*/total

    Example: semoe evaluate --retrieval --dataset popqa --data_path data/popqa --retriever bm25/names
    """
    given = [*(folders or ()), *([folder] if folder else ())]
    if asked.retrieval:
        _retrieval(given, asked, index_place, elastic, output)
    elif given:
        _answers(given, extraction, output)
    else:
        raise UsageError("Give folders of answers, or --retrieval with --dataset and --data_path.", kind="options")


def _answers(folders: list[Path], extraction: list[str] | None, output: o.OutputOptions) -> None:
    from semoe.published.evaluate import evaluate_all

    found = evaluate_all(folders, extraction)
    if output.as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.method, one.extraction, one.num_questions, _percent(one.em), _percent(one.f1)) for one in found]
    table("Scores in percent, 95 % interval over questions", ("method", "extraction", "n", "EM", "F1"), rows)
    tell_overflow((one.method, one.num_questions, one.overflow) for one in found)


def _retrieval(
    folders: list[Path],
    asked: RetrievalOptions,
    index_place: o.IndexOptions,
    elastic: o.ElasticOptions,
    output: o.OutputOptions,
) -> None:
    if folders or asked.dataset is None or asked.data_path is None:
        raise UsageError("--retrieval takes --dataset and --data_path, and no folders.", kind="options")
    require_there(asked.data_path, "--data_path")
    from semoe.datasets.loading import load_dataset
    from semoe.evaluation.recall_plot import plot, require_matplotlib
    from semoe.retrieval.retrievers import open_retriever
    from semoe.stages.recall import recall

    if asked.plot:
        require_matplotlib()
    questions = load_dataset(asked.dataset, asked.data_path, sample=asked.sample)
    found = recall(open_retriever(index_place.retriever, retrieval_config(index_place, elastic)), questions)
    title = f"{index_place.retriever}, {asked.dataset}"
    if asked.plot:
        plot(questions, found.found, title, asked.plot)
    if output.as_json:
        print_json({name: value for name, value in asdict(found).items() if name != "found"})
        return
    rows = [(one.type, one.what, one.num_questions, _percent(one.percent)) for one in found.figures]
    table(f"{title}: percent, 95 % interval over questions", ("type", "found", "n", "percent"), rows)
    of = counted(found.num_passages, "passage") if found.num_passages else "an index of unknown size"
    err.print(f"{found.milliseconds:.1f} ms a query, of {of}; the published Wikipedia has {WIKIPEDIA:,}.")


def _percent(found: "Interval") -> str:
    return f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]"
