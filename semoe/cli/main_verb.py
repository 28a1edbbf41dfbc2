"""`semoe main`: runs a published JSON config."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from semoe.cli import options as o
from semoe.cli.output import show
from semoe.cli.verbs import verb


@verb
def main_verb(
    config_path: Annotated[Path, typer.Option("-c", "--config_path", help="A published JSON config.")],
    output: o.OutputOptions,
    index_dir: o.IndexDir = o.INDEX,
) -> None:
    """Answer a dataset as a published config says; its `method` is any that `inference --method` knows.

    Example: semoe main -c configs/popqa.json
    """
    from semoe.published.main_config import read_main_config
    from semoe.published.main_run import run_main

    show(asdict(run_main(read_main_config(config_path), index_dir)), as_json=output.as_json)
