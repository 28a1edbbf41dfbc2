"""The vectors of a corpus in a folder: built in parts, so that a build that was stopped goes on, and memory-mapped.

    index.json          encoder, dimensions, number of passages; written last: an index that has it is whole
    passages.jsonl      the passages, and offsets.npy, where each begins
    vectors/00000.npy   [N, D] float16 of the first `PART` passages, and so on

D dimensions
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from semoe.errors import CorruptError, UsageError
from semoe.files import os_errors, read_json, write_json
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.passage import Passage
from semoe.retrieval.passage_file import PassageFile, searched, store_passages

FORMAT = 1
PART = 2048
"""Passages of a part: what a stop loses at most."""
ABOUT = "index.json"
BUILDING = "building.json"
Part = npt.NDArray[np.float16]


def build_vectors(passages: Iterable[Passage], folder: Path, encoder_name: str, encoder: Encoder) -> tuple[int, int]:
    """Builds an index of all passages in the place of an older one, or goes on with one that was stopped.

    Args:
        passages: the corpus.
        folder: of the index.
        encoder_name: what opens the encoder again.
        encoder: makes the vectors.

    Returns:
        Passages, and of them those whose vectors a build that was stopped had made.

    Raises:
        UsageError: the folder cannot be written.
        CorruptError: the encoder makes numbers that are none.
    """
    building = folder.with_name(f".{folder.name}.building")
    about = {"format": FORMAT, "encoder": encoder_name, "size": encoder.size}
    with os_errors(folder):
        _prepare(building, about)
        num_passages = num_found = 0
        for number, part in enumerate(_cut(store_passages(passages, building))):
            num_found += len(part) if _add(building, number, part, encoder) else 0
            num_passages += len(part)
        write_json(building / ABOUT, about | {"num_passages": num_passages})
        (building / BUILDING).unlink()
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    return num_passages, num_found


class VectorFolder:
    """An index of vectors, opened."""

    def __init__(self, folder: Path) -> None:
        """Opens it.

        Raises:
            UsageError: there is none, or one of another format.
            CorruptError: parts are missing or cut.
        """
        if not (folder / ABOUT).exists():
            raise UsageError(
                f"No index of vectors in {folder}. Run `semoe index --retriever dense` first, with the --encoder that "
                "is wanted.",
                kind="missing-index",
            )
        about = read_json(folder / ABOUT)
        if about.get("format") != FORMAT:
            raise UsageError(
                f"{folder} has vectors of format {about.get('format')}, not {FORMAT}. Index again.", kind="index"
            )
        self.encoder = str(about["encoder"])
        self.size = int(about["size"])
        self.passages = PassageFile(folder)
        self.parts: Sequence[Part] = list(_parts(folder, int(about["num_passages"]), self.size))


def _prepare(building: Path, about: dict[str, Any]) -> None:
    """Makes the folder of a build, or empties it where another encoder's was stopped in it."""
    if not (building / BUILDING).exists() or read_json(building / BUILDING) != about:
        shutil.rmtree(building, ignore_errors=True)
        (building / "vectors").mkdir(parents=True)
        write_json(building / BUILDING, about)


def _cut(passages: Iterator[Passage]) -> Iterator[list[Passage]]:
    while part := list(islice(passages, PART)):
        yield part


def _add(building: Path, number: int, passages: Sequence[Passage], encoder: Encoder) -> bool:
    """Makes the vectors of a part; returns whether they were there, of the same texts."""
    texts = [searched(passage) for passage in passages]
    path = _path(building, number)
    told = building / "vectors" / f"{number:05}.json"
    digest = blake3("\n".join(texts).encode()).hexdigest()
    if told.exists() and path.exists() and read_json(told) == digest:
        return True
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as file:
        np.save(file, encoder.passages(texts).astype(np.float16))
    temporary.rename(path)
    write_json(told, digest)
    return False


def _parts(folder: Path, num_passages: int, size: int) -> Iterator[Part]:
    left = num_passages
    for number in count():
        if left <= 0:
            return
        path = _path(folder, number)
        length = min(PART, left)
        try:
            part = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise CorruptError(f"{path} is missing or cut ({error}). Index again.", kind="corrupt") from error
        if part.shape != (length, size):
            raise CorruptError(
                f"{path} has {part.shape} numbers where {(length, size)} are expected. Index again.", kind="corrupt"
            )
        yield part
        left -= length


def _path(folder: Path, number: int) -> Path:
    return folder / "vectors" / f"{number:05}.npy"
