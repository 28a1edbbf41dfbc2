"""A commit: the small object that makes packs visible, written last and only where nothing is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from semoe.errors import CorruptError
from semoe.store.objects import check_name

FORMAT = "semoe-commit"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Commit:
    """Which packs count, and who says so."""

    token: str
    """Tells its producer from every other."""
    segments: Sequence[str]


def write_commit(commit: Commit) -> bytes:
    """Returns a commit as bytes."""
    body = {"format": FORMAT, "version": VERSION, "token": commit.token, "segments": list(commit.segments)}
    return orjson.dumps(body | {"time": time.time()})


def read_commit(data: bytes, name: str) -> Commit:
    """Reads a commit.

    Raises:
        CorruptError: another format or version, or not a commit.
    """
    try:
        body = orjson.loads(data)
        found = body["format"], body["version"]
        commit = Commit(str(body["token"]), [check_name(segment) for segment in body["segments"]])
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptError(
            f"Commit {name} is damaged ({error}). Restore it, or remove it: experts that it alone names are trained "
            "again.",
            kind="corrupt-commit",
        ) from error
    if found != (FORMAT, VERSION):
        raise CorruptError(f"Commit {name} is {found}, not {FORMAT} version {VERSION}.", kind="unknown-version")
    return commit
