"""What a run has finished so far: an append-only file beside the output; an interrupted run goes on from it.

    line 1    {"journal": 1, "settings": …}              which run this is
    line n    {"keys": […], "made": […], "rejected": …}   one finished chunk, synced before the next starts

A chunk is one line, and a line counts only with its newline: a torn tail is cut off and its chunk made
again.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from semoe.augment.contract import Augmentation
from semoe.datasets.augmented import QAPair
from semoe.files import os_errors, write_bytes

VERSION = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """The passages of one call to the augmenter, by key, with what was made of them."""

    keys: tuple[str, ...]
    made: tuple[Augmentation, ...]
    rejected: Counter[str]


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal file of one output under one set of settings."""

    path: Path
    settings: dict[str, Any]

    def open(self) -> dict[tuple[str, ...], Chunk]:
        """Returns the finished chunks by their keys; makes the file fit for `append`.

        A journal of other settings is of no use to this run: it is started afresh.
        """
        with os_errors(self.path):
            stored = self.path.read_bytes() if self.path.exists() else b""
        whole = stored[: stored.rfind(b"\n") + 1].splitlines(keepends=True)
        if not whole or whole[0] != self._header():
            write_bytes(self.path, self._header())
            return {}
        chunks = _readable(whole[1:])
        self._cut(len(whole[0]) + sum(map(len, whole[1 : 1 + len(chunks)])))
        return {chunk.keys: chunk for chunk in chunks}

    def append(self, chunk: Chunk) -> None:
        """Adds a finished chunk; returns once it is on disk."""
        with os_errors(self.path), self.path.open("ab") as file:
            made = [asdict(one) for one in chunk.made]
            file.write(_line({"keys": chunk.keys, "made": made, "rejected": dict(chunk.rejected)}))
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        """Removes the file, now that the output is whole."""
        with os_errors(self.path):
            self.path.unlink(missing_ok=True)

    def _header(self) -> bytes:
        return _line({"journal": VERSION, "settings": self.settings})

    def _cut(self, size: int) -> None:
        with os_errors(self.path):
            os.truncate(self.path, size)


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _readable(lines: Sequence[bytes]) -> list[Chunk]:
    """Returns the chunks up to the first line that cannot be read."""
    chunks: list[Chunk] = []
    for line in lines:
        try:
            chunks.append(_chunk(orjson.loads(line)))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            break
    return chunks


def _chunk(value: dict[str, Any]) -> Chunk:
    made = tuple(Augmentation(one["rewrite"], tuple(map(_pair, one["qa"]))) for one in value["made"])
    return Chunk(tuple(value["keys"]), made, Counter(value["rejected"]))


def _pair(value: dict[str, Any]) -> QAPair:
    return QAPair(**{**value, "wordings": tuple(value["wordings"])})
