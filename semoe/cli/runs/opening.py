"""Which run a verb means."""

from pathlib import Path
from typing import Annotated

import typer

from semoe.runs import RunFolder
from semoe.store.objects import open_objects

Run = Annotated[str, typer.Option("--run", help="Name of the run.")]


def open_run(store: str | None, root: Path, run: str) -> RunFolder:
    """Opens the folder of a run in the store."""
    return RunFolder(open_objects(store or str(root / "store")), run)
