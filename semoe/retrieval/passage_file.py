"""Passages on disk, read one by one when they are found: their lines, and where each begins."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import orjson

from semoe.retrieval.passage import Passage

PASSAGES = "passages.jsonl"
OFFSETS = "offsets.npy"


class PassageFile:
    """The passages of an index, by row."""

    def __init__(self, folder: Path) -> None:
        # As plain arrays in the same map: a memmap slices slowly.
        self._offsets = np.load(folder / OFFSETS, mmap_mode="r").view(np.ndarray)
        self._lines = np.memmap(folder / PASSAGES, dtype=np.uint8, mode="r").view(np.ndarray)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[Passage]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, row: int) -> Passage:
        raw = self._lines[self._offsets[row] : self._offsets[row + 1]].tobytes()
        return Passage(*orjson.loads(raw))


def store_passages(passages: Iterable[Passage], folder: Path) -> Iterator[Passage]:
    """Writes passages into a folder as they pass by; the file is whole once the last was taken."""
    offsets = [0]
    with (folder / PASSAGES).open("wb") as file:
        for passage in passages:
            offsets.append(offsets[-1] + file.write(orjson.dumps([passage.id, passage.text, passage.title]) + b"\n"))
            yield passage
    np.save(folder / OFFSETS, np.asarray(offsets, dtype=np.int64))


def format_of(about: Path) -> int | None:
    """Returns the format that an index says it has; None where it says nothing that can be read."""
    try:
        found = orjson.loads(about.read_bytes())
    except (OSError, ValueError):
        return None
    return found.get("format") if isinstance(found, dict) else None


def id_order(passage_id: str) -> tuple[int, str]:
    """Numbers in order of value, other ids after them in order of text: how equals are told apart."""
    return (int(passage_id), "") if passage_id.isdecimal() else (1 << 62, passage_id)


def searched(passage: Passage) -> str:
    """Returns what of a passage is indexed: title and text together."""
    return f"{passage.title} {passage.text}"
