"""`semoe data`: whether the benchmarks' files are here and whole, and small ones cut out of them; fetches nothing."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli import options as o
from semoe.cli.data_folder import require_here
from semoe.cli.option_groups import among
from semoe.cli.output import err, print_json, show_all, table
from semoe.cli.reproduce_options import DataOptions
from semoe.cli.verbs import verb
from semoe.errors import unknown_name

if TYPE_CHECKING:
    from semoe.datasets.manifest import DataState

Which = Annotated[
    list[str] | None,
    typer.Option("--dataset", autocompletion=among(*o.DATASETS), help="Only these; may be given several times."),
]
COLUMNS = ("dataset", "state", "questions", "of", "bytes", "sha256")


@verb
def check(data: DataOptions, output: o.OutputOptions, dataset: Which = None) -> None:
    """Say which benchmarks' files are here and whole, and what to download by hand. Exit code 1: one is not whole.

    A file's size and SHA-256 are shown to be compared with another's: no true ones are published.

    Example: semoe data check --data_dir data
    """
    from semoe.datasets.manifest import data_state

    folder = require_here(data.data_dir)
    found = [data_state(folder, name) for name in _known(dataset)]
    if output.as_json:
        print_json([asdict(one) for one in found])
    else:
        table(f"Data in {folder}", COLUMNS, [_row(one) for one in found])
        for one in found:
            if one.advice:
                err.print(f"{one.dataset}: {one.advice}", soft_wrap=True)
    if any(one.state != "whole" for one in found):
        raise typer.Exit(1)


@verb
def sample_verb(
    data: DataOptions,
    output: o.OutputOptions,
    to: Annotated[Path, typer.Option("--to", help="Another data folder, with a folder for each dataset.")],
    sample: Annotated[int, typer.Option("--sample", min=1, help="Questions of each dataset.")] = 300,
    spread: Annotated[
        bool, typer.Option("--spread/--no-spread", help="Every k-th question of the file, not the first ones.")
    ] = False,
    dataset: Which = None,
) -> None:
    """Cut a small file out of each benchmark's: the first questions, or every k-th; the rule is written beside it.

    Example: semoe data sample --data_dir data --to data_small --sample 300
    """
    from semoe.datasets.manifest import find_data
    from semoe.datasets.sampling import NESTED, sample_dataset

    folder = require_here(data.data_dir)
    # Named ones must be there; otherwise what is there is meant.
    can = [name for name in _known(None) if name not in NESTED]
    names = dataset or [name for name in can if find_data(folder, name)] or can
    made = [sample_dataset(folder, name, to, sample, spread=spread) for name in _known(names)]
    show_all([asdict(one) for one in made], as_json=output.as_json)


def _row(one: "DataState") -> tuple[object, ...]:
    expected = f"{one.expected:,}" if one.expected else "?"
    return (one.dataset, one.state, f"{one.num_questions:,}", expected, f"{one.num_bytes:,}", one.sha256[:12])


def _known(names: list[str] | None) -> list[str]:
    for name in names or ():
        if name not in o.DATASETS:
            raise unknown_name("dataset", name, o.DATASETS)
    return names or list(o.DATASETS)


app = typer.Typer(help="Check the benchmarks' files, and cut small ones out of them.", no_args_is_help=True)
app.command()(check)
app.command("sample")(sample_verb)
