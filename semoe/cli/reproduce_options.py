"""Options of `semoe reproduce` and of the verbs on data: which experiments, on which questions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from semoe.cli.option_groups import among, option_group
from semoe.cli.options import MODELS


def _configs(incomplete: str) -> list[str]:
    from semoe.reproduction.config import config_names

    return among(*config_names())(incomplete)


@option_group("Which experiments", table="experiments")
class ExperimentOptions:
    """Which experiments, and what of them is changed."""

    config: Annotated[
        str,
        typer.Option(
            "--config",
            autocompletion=_configs,
            help="An experiment by name, several by a pattern such as 'popqa-*', or a TOML file of your own.",
        ),
    ] = ""
    all: Annotated[
        bool,
        typer.Option("--all", help="Every experiment that has all it needs here; says which are left out."),
    ] = False
    list: Annotated[bool, typer.Option("--list", help="Show the experiments and what each lacks here.")] = False
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="The first so many questions; 0: as many as the config says.")
    ] = 0
    model_name: Annotated[
        str,
        typer.Option(
            "--model_name",
            autocompletion=among(*MODELS),
            help="Another model than the config's; the report says so before all else.",
        ),
    ] = ""
    base_weight: Annotated[
        str,
        typer.Option(
            "--base_weight",
            metavar="FOLDER|KEY",
            help="Another weight for experts to start from than the config's, as for encode; the report says so.",
        ),
    ] = ""
    run: Annotated[
        str,
        typer.Option("--run", help="Name of the run. Default: the config's, with what was changed: it goes on."),
    ] = ""
    only: Annotated[
        Literal["plan", "report"] | None,
        typer.Option(
            "--only",
            help="plan: say what it will take, and do nothing of it. report: write the report of a run that is done.",
        ),
    ] = None
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder of the report. Default: reproduction/ and the run's name.")
    ] = None


@option_group("Data", table="data")
class DataOptions:
    """Where questions and passages are."""

    data_dir: Annotated[
        str, typer.Option("--data_dir", help="Folder with a folder for each dataset, as `semoe data check` wants it.")
    ] = "data"


@option_group("Data", table="data")
class PassageOptions(DataOptions):
    """The same, which may be in S3, with the passages."""

    data_dir: Annotated[
        str,
        typer.Option(
            "--data_dir",
            help="Folder with a folder for each dataset, as `semoe data check` wants it; or s3://bucket/data.",
        ),
    ] = "data"
    passages: Annotated[
        str,
        typer.Option(
            "--passages",
            help="Passages to index first, where the index is not there yet. Default: psgs_w100.tsv of --data_dir, "
            "where that is.",
        ),
    ] = ""
