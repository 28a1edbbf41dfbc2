"""Which space of a store a verb means, and which expert of it."""

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from semoe.cli.option_groups import option_group
from semoe.cli.options import PlaceOptions, Snapshot
from semoe.errors import UsageError
from semoe.words import counted

if TYPE_CHECKING:
    from semoe.store.expert_store import ExpertStore
    from semoe.store.objects import Objects

Key = Annotated[str, typer.Argument(help="The expert's key, or the beginning of it.")]


@option_group("Where things are", table="place")
class SpacePlaceOptions(PlaceOptions):
    """The store and the space in it."""

    space: Annotated[
        str, typer.Option("--space", help="Expert space, or its beginning; needed where the store has several.")
    ] = ""

    def open(self) -> "ExpertStore":
        """Opens the one space whose name begins so.

        Raises:
            UsageError: there is none, or several.
        """
        _load_numpy()
        from semoe.store.expert_store import ExpertStore
        from semoe.store.objects import open_objects
        from semoe.store.spaces import space_names

        objects = open_objects(self.store_url)
        names = space_names(objects)
        found = [name for name in names if name.startswith(self.space)]
        if not names:
            raise UsageError(f"{objects.url} has no spaces. {_why_none(objects)}", kind="space")
        if len(found) != 1:
            called = f" that begin with {self.space}" if self.space else ""
            raise UsageError(
                f"{objects.url} has {counted(len(found), 'space')}{called}. There are: {', '.join(names)}. Choose with "
                "--space.",
                kind="space",
            )
        return ExpertStore(objects, found[0])


def _why_none(objects: "Objects") -> str:
    """Nobody should train again what was copied in part, or lies elsewhere."""
    folders = objects.folders("spaces/")
    if not folders and "://" not in objects.url and not Path(objects.url).exists():
        return "There is no such folder: check --store, or run `semoe encode`."
    if not folders:
        return "It is empty: run `semoe encode`."
    return (
        f"Without space.json is what lies in spaces/{', spaces/'.join(folders)}: copy that file from where they came."
    )


@option_group("Where things are", table="place")
class StatePlaceOptions(SpacePlaceOptions):
    """The same with a state of the space."""

    snapshot: Snapshot = ""

    def open(self) -> "ExpertStore":
        """Opens the space in a state that was kept, or as it is.

        Raises:
            UsageError: there is no such space or state, or several.
        """
        opened = super().open()
        if not self.snapshot:
            return opened
        from semoe.store.kept_states import open_at

        return open_at(opened.objects, opened.names.space, self.snapshot)


def _load_numpy() -> None:
    """Loads numpy without the threads of its linear algebra: they cost a sixth of `ls`, and nothing here multiplies."""
    threads = "OPENBLAS_NUM_THREADS"
    is_set = threads in os.environ
    os.environ.setdefault(threads, "1")
    import_module("numpy")
    if not is_set:
        del os.environ[threads]


def whole_key(store: "ExpertStore", beginning: str) -> str:
    """Returns the one key of a space that begins so.

    Raises:
        UsageError: there is none, or several.
    """
    found = store.keys(beginning)
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} experts of space {store.names.space} have a key that begins with {beginning!r}. "
            "See `semoe experts ls`.",
            kind="unknown-expert",
        )
    return found[0]
