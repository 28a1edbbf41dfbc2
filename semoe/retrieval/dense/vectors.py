"""The vectors of a corpus in a folder: built in parts, so that a build that was stopped goes on, and memory-mapped.

    index.json          encoder, dimensions, number of passages; written last: an index that has it is whole
    passages.jsonl      the passages, and offsets.npy, where each begins
    vectors/00000.npy   [N, D] float16 of the first `FILE` passages, and so on: few enough to be open at once
    parts/00000.npy     of the first `PART` passages, while it is built

D dimensions
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from blake3 import blake3
from filelock import FileLock, Timeout

from semoe.errors import CorruptError, TransientError, UsageError
from semoe.files import os_errors, read_json, write_json
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.passage import Passage
from semoe.retrieval.passage_file import PassageFile, format_of, searched, store_passages

log = logging.getLogger(__name__)

FORMAT = 2
PART = 2048
"""Passages of a part: what a stop loses at most, and what is searched at once."""
FILE = 128 * PART
"""Passages of a file of a whole index."""
ABOUT = "index.json"
BUILDING = "building.json"
SENTENCE = "The lighthouse keeper's daughter wrote three novels."
"""Its vector says whether an encoder is the one that made an index."""
ALIKE = 0.999
"""The least cosine of two vectors of it by one encoder."""
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
        TransientError: another process builds it.
    """
    building = folder.with_name(f".{folder.name}.building")
    told = about(encoder_name, encoder)
    with os_errors(folder), _alone(folder):
        _prepare(building, told)
        num_passages = num_found = 0
        for number, part in enumerate(_cut(store_passages(passages, building))):
            num_found += len(part) if _add(building, number, part, encoder) else 0
            num_passages += len(part)
        _join(building, num_passages)
        write_json(building / ABOUT, told | {"num_passages": num_passages})
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
        shutil.rmtree(folder / "parts")
        # Last: until then a stop anywhere leaves a build that goes on.
        (folder / BUILDING).unlink()
    return num_passages, num_found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps others from building the same index: they would write into one folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0, mode=0o666)
    try:
        lock.acquire()
    except Timeout as error:
        raise TransientError(
            f"Another process is building {folder}. Run the same command again once it has ended.", kind="busy"
        ) from error
    except (OSError, NotImplementedError) as error:
        log.warning("Nothing keeps a second process from building %s: no file can be locked there (%s).", folder, error)
    try:
        yield
    finally:
        lock.release()


def about(encoder_name: str, encoder: Encoder) -> dict[str, Any]:
    """Returns what tells an encoder from others: its name, and the vector of a sentence."""
    vector = encoder.passages([SENTENCE])[0]
    return {"format": FORMAT, "encoder": encoder_name, "size": encoder.size, "vector": vector.tolist()}


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two descriptions are of one encoder under one name."""
    return one.get("encoder") == other.get("encoder") and is_alike(one, other)


def is_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions are of one encoder; its last bits may differ from one device to another."""
    names = ("format", "size")
    return [one.get(name) for name in names] == [other.get(name) for name in names] and (
        float(np.dot(one["vector"], other["vector"])) > ALIKE
    )


def is_vectors(folder: Path) -> bool:
    """Whether a folder is an index of this version's format."""
    return format_of(folder / ABOUT) == FORMAT


def encoder_of(folder: Path) -> str | None:
    """Returns the encoder of an index, or of a build of it that was stopped; None where there is neither."""
    for about_it in (folder / ABOUT, folder.with_name(f".{folder.name}.building") / BUILDING):
        if format_of(about_it) == FORMAT:
            return str(read_json(about_it)["encoder"])
    return None


def require_encoder(folder: Path, encoder_name: str | None) -> None:
    """Makes sure that an index was made with an encoder; None: with whichever.

    Raises:
        UsageError: with another one.
    """
    made_with = read_json(folder / ABOUT).get("encoder") if is_vectors(folder) else encoder_name
    if encoder_name not in (None, made_with):
        raise UsageError(
            f"{folder} was made with the encoder {made_with}, not {encoder_name}. Leave out --encoder, or index again.",
            kind="index",
        )


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
        self.about = read_json(folder / ABOUT)
        if self.about.get("format") != FORMAT:
            raise UsageError(
                f"{folder} has vectors of format {self.about.get('format')}, not {FORMAT}. Index again.", kind="index"
            )
        try:
            self.encoder = str(self.about["encoder"])
            num_passages, size = int(self.about["num_passages"]), int(self.about["size"])
            self.passages = PassageFile(folder)
        except (OSError, ValueError, KeyError) as error:
            raise CorruptError(f"{folder} is no whole index ({error}). Index again.", kind="corrupt") from error
        if len(self.passages) != num_passages:
            raise CorruptError(
                f"{folder} has {len(self.passages)} passages where {num_passages} are expected. Index again.",
                kind="corrupt",
            )
        self.parts: Sequence[Part] = list(_parts(folder, num_passages, size))


def _prepare(building: Path, told: dict[str, Any]) -> None:
    """Makes the folder of a build, or empties it where another encoder's was stopped in it."""
    if not (building / BUILDING).exists() or not is_same(read_json(building / BUILDING), told):
        shutil.rmtree(building, ignore_errors=True)
        (building / "parts").mkdir(parents=True)
        write_json(building / BUILDING, told)


def _cut(passages: Iterator[Passage]) -> Iterator[list[Passage]]:
    while part := list(islice(passages, PART)):
        yield part


def _add(building: Path, number: int, passages: Sequence[Passage], encoder: Encoder) -> bool:
    """Makes the vectors of a part; returns whether they were there, of the same texts."""
    texts = [searched(passage) for passage in passages]
    path = _path(building / "parts", number)
    told = building / "parts" / f"{number:05}.json"
    digest = blake3(orjson.dumps(texts)).hexdigest()
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
        path = _path(folder / "vectors", number)
        length = min(FILE, left)
        try:
            vectors_ND = np.load(path, mmap_mode="c")  # torch warns of maps that cannot be written; nothing is written
        except (FileNotFoundError, ValueError) as error:
            raise CorruptError(f"{path} is missing or cut ({error}). Index again.", kind="corrupt") from error
        except OSError as error:
            raise TransientError(f"{path} cannot be opened: {error.strerror}.", kind="unreadable") from error
        if vectors_ND.shape != (length, size):
            raise CorruptError(
                f"{path} has {vectors_ND.shape} numbers where {(length, size)} are expected. Index again.",
                kind="corrupt",
            )
        yield from (vectors_ND[first : first + PART] for first in range(0, length, PART))
        left -= length


def _join(building: Path, num_passages: int) -> None:
    """Writes the parts into few files; they stay, so that a stop loses nothing."""
    shutil.rmtree(building / "vectors", ignore_errors=True)
    (building / "vectors").mkdir()
    for number, first in enumerate(range(0, num_passages, FILE)):
        own = range(first // PART, -(-min(first + FILE, num_passages) // PART))
        vectors_ND = np.concatenate([np.load(_path(building / "parts", part)) for part in own])
        np.save(_path(building / "vectors", number), vectors_ND)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.npy"
