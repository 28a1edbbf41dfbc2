"""Which spaces and runs a store has: folders that describe themselves.

A folder alone says nothing. Some servers list one for a while after its last object was removed, and people make empty
ones by hand.
"""

from collections.abc import Sequence
from contextlib import suppress

from semoe.store.object_names import SpaceNames
from semoe.store.objects import MissingObjectError, Objects, is_name


def space_names(objects: Objects) -> Sequence[str]:
    """Returns the spaces of a store, in order."""
    return [name for name in _folders(objects, "spaces/") if _is_there(objects, SpaceNames(name).described)]


def run_names(objects: Objects) -> Sequence[str]:
    """Returns the runs that were planned into a store, in order."""
    return [name for name in _folders(objects, "runs/") if _is_there(objects, f"runs/{name}/plan.json")]


def _folders(objects: Objects, prefix: str) -> Sequence[str]:
    return [name for name in objects.folders(prefix) if is_name(name)]


def _is_there(objects: Objects, name: str) -> bool:
    with suppress(MissingObjectError):
        objects.get(name)
        return True
    return False
