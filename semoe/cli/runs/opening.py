"""Which run a verb means."""

from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli.options import PlaceOptions

if TYPE_CHECKING:
    from semoe.runs.folder import RunFolder

Run = Annotated[str, typer.Option("--run", help="Name of the run.")]


def open_run(place: PlaceOptions, run: str) -> "RunFolder":
    """Opens the folder of a run in the store."""
    from semoe.runs.folder import RunFolder
    from semoe.store.objects import open_objects

    return RunFolder(open_objects(place.store_url), run)
