"""Whether two names mean one base model, and which name of it others find.

A model may be called by a short name, a name on the hub, the hub's cache on this or another machine, or a folder.
"""

import os
import re
from functools import lru_cache
from pathlib import Path

from semoe.errors import SemoeError
from semoe.models.hub import cached
from semoe.models.identity import difference, digest_of_folder
from semoe.models.names import SHORT_NAMES
from semoe.models.smollm2 import smollm2_folder

_SNAPSHOT = re.compile(r"models--(?P<owner>[^/\\]+?)--(?P<name>[^/\\]+)[/\\]snapshots[/\\][^/\\]+[/\\]?$")


@lru_cache(maxsize=1024)
def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model.

    Where both can be read here, their weights and configurations decide: another tokenizer or chat template changes
    nothing that an adapter is added to. Otherwise their names do: equal ones, whatever the case of their letters, or
    paths and hub names with the same last part (a copy on another machine).
    """
    if _meant(one) == _meant(other):
        return True
    mine, theirs = (_digest(_folder(name)) for name in (one, other))
    if mine and theirs:
        return not {"weights", "configuration"} & set(difference(mine, theirs).split(" and "))
    return _last(one) == _last(other)


def findable(name: str) -> str:
    """Returns the name under which other libraries find a model: on the hub, or the whole path of a folder here."""
    if folder := _here(name):
        return str(folder.resolve())
    if name == "smollm2":
        try:
            return str(smollm2_folder())
        except SemoeError:
            return name  # It was made on another machine.
    return SHORT_NAMES.get(name, name)


def _here(name: str) -> Path | None:
    """Returns the folder that a name is; a name that can be none, too long or of no user, is no error."""
    path = os.path.expanduser(name)  # noqa: PTH111
    return Path(path) if name and os.path.isdir(path) else None  # noqa: PTH112


def _meant(name: str) -> str:
    found = _SNAPSHOT.search(name)
    hub_name = f"{found['owner']}/{found['name']}" if found else SHORT_NAMES.get(name, name)
    return hub_name.rstrip("/").casefold()


def _last(name: str) -> str:
    return re.split(r"[/\\]", _meant(name).rstrip("\\"))[-1]


def _folder(name: str) -> Path | None:
    """Returns where a model lies on this machine, as far as that is known without asking the hub."""
    return _here(findable(name)) or cached(findable(name))


def _digest(folder: Path | None) -> str:
    """Returns a folder's digest; empty where there is none, or one that cannot be read: then its name must do."""
    try:
        return digest_of_folder(folder) if folder else ""
    except SemoeError:
        return ""
