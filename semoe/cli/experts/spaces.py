"""Which space of a store a verb means, and which expert of it."""

from pathlib import Path
from typing import Annotated

import typer

from semoe.errors import UsageError
from semoe.store.expert_store import ExpertStore
from semoe.store.objects import open_objects

Key = Annotated[str, typer.Argument(help="The expert's key, or the beginning of it.")]
Space = Annotated[str, typer.Option("--space", help="Expert space, or its beginning; needed where there are several.")]


def open_space(url: str | None, root: Path, space: str) -> ExpertStore:
    """Opens the one space whose name begins with `space`.

    Raises:
        UsageError: there is none, or several.
    """
    objects = open_objects(url or str(root / "store"))
    names = objects.folders("spaces/")
    found = [name for name in names if name.startswith(space)]
    if len(found) != 1:
        there = f"There are: {', '.join(names)}." if names else "It is empty: run `semoe encode`."
        raise UsageError(f"{objects.url} has {len(found)} spaces {space}. {there} Choose with --space.", kind="space")
    return ExpertStore(objects, found[0])


def whole_key(store: ExpertStore, beginning: str) -> str:
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
