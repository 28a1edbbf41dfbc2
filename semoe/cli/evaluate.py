"""`semoe evaluate`: a table of finished answers' scores."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import print_json, table
from semoe.cli.overflow import tell_overflow
from semoe.cli.verbs import verb

if TYPE_CHECKING:
    from semoe.evaluation.bootstrap import Interval


@verb
def evaluate(
    folders: Annotated[list[Path], typer.Argument(help="Output folders of inference or main.")],
    output: o.OutputOptions,
    extraction: Annotated[
        list[str] | None,
        typer.Option(
            "--extraction",
            help="How answers are read off texts: published, published_cot, semoe. Default: published (of chains "
            "of thought published_cot) and semoe.",
        ),
    ] = None,
) -> None:
    """Score finished answers again, with 95 % intervals, by the published and the repaired extraction.

    A folder of `main` is scored with the answers of the dataset that its config.json names.

    Example: semoe evaluate output/smollm2/rank=2_alpha=32/popqa/*/aug_model=parse/*/total
    """
    from semoe.published.evaluate import evaluate_all

    found = evaluate_all(folders, extraction)
    if output.as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.method, one.extraction, one.num_questions, _percent(one.em), _percent(one.f1)) for one in found]
    table("Scores in percent, 95 % interval over questions", ("method", "extraction", "n", "EM", "F1"), rows)
    tell_overflow((one.method, one.num_questions, one.overflow) for one in found)


def _percent(found: "Interval") -> str:
    return f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]"
