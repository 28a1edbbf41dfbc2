"""Vectors are made in parts, each kept under the digest of its texts: what is kept anywhere is encoded no second time.

A stopped build finds its own parts, an index that is made again those of passages that are still there, and workers
that share a place each other's.

N texts   D dimensions
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import orjson
from blake3 import blake3

from semoe.files import write_bytes
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.passage import Passage
from semoe.retrieval.passage_file import searched

PART = 2048
"""Passages of a part: what a stop loses at most, and what is searched at once."""
PARTS = 128
"""Parts of a file of a whole index: files are few enough to be open at once."""
Part = npt.NDArray[np.float16]
Places = Sequence["KeptParts"]


class KeptParts(Protocol):
    """A place where one encoder's parts are kept."""

    def get(self, digest: str) -> bytes | None:
        """Returns a part as it was put; None where it is not there."""
        ...

    def put(self, digest: str, data: bytes) -> None:
        """Keeps a part, whole or not at all."""
        ...


class FolderParts:
    """`KeptParts` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, digest: str) -> bytes | None:
        """See `KeptParts`."""
        path = self._path(digest)
        return path.read_bytes() if path.exists() else None

    def put(self, digest: str, data: bytes) -> None:
        """See `KeptParts`."""
        write_bytes(self._path(digest), data)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.npy"


class EarlierParts:
    """The parts of an index that is whole; nothing is put there."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    def get(self, digest: str) -> bytes | None:
        """See `KeptParts`."""
        return bytes_of(self._parts[digest]) if digest in self._parts else None

    def put(self, digest: str, data: bytes) -> None:
        """Does nothing."""


class Made(NamedTuple):
    """A part that is kept in every place that takes it."""

    digest: str
    vectors_ND: Part
    is_found: bool
    """Somewhere; otherwise it was encoded now."""


def of_file(vectors_ND: Part) -> Iterator[Part]:
    """Yields the parts of a file."""
    return (vectors_ND[first : first + PART] for first in range(0, len(vectors_ND), PART))


def file_lengths(num_passages: int) -> Iterator[int]:
    """Yields how many passages each file has."""
    each = PART * PARTS
    return (min(each, num_passages - first) for first in range(0, num_passages, each))


def cut(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    """Yields the passages of each part."""
    left = iter(passages)
    while part := list(islice(left, PART)):
        yield part


def make_part(passages: Sequence[Passage], encoder: Encoder, places: Places) -> Made:
    """Finds the vectors of a part, or makes them; puts them where they are not yet.

    Args:
        passages: of the part.
        encoder: makes vectors.
        places: the nearest first.

    Raises:
        CorruptError: the encoder makes numbers that are none.
    """
    texts = [searched(passage) for passage in passages]
    digest = digest_of(texts)
    for number, place in enumerate(places):
        found_ND = _read(place.get(digest), (len(texts), encoder.size))
        if found_ND is not None:
            _put(digest, found_ND, places[:number])
            return Made(digest, found_ND, is_found=True)
    vectors_ND = encoder.passages(texts).astype(np.float16)
    _put(digest, vectors_ND, places)
    return Made(digest, vectors_ND, is_found=False)


def digest_of(texts: Sequence[str]) -> str:
    """Returns what a part is kept under."""
    return blake3(orjson.dumps(texts)).hexdigest()


def _put(digest: str, vectors_ND: Part, places: Places) -> None:
    data = bytes_of(vectors_ND) if places else b""
    for place in places:
        place.put(digest, data)


def _read(data: bytes | None, shape: tuple[int, int]) -> Part | None:
    """Returns vectors of that shape; None where there are none, or what there is was cut."""
    try:
        found_ND = vectors_of(data) if data else None
    except (ValueError, EOFError):
        return None
    return found_ND if found_ND is not None and found_ND.shape == shape else None


def bytes_of(vectors_ND: Part) -> bytes:
    """Returns vectors as a file of numpy's has them."""
    file = io.BytesIO()
    np.save(file, vectors_ND)
    return file.getvalue()


def vectors_of(data: bytes) -> Part:
    """Reads what `bytes_of` wrote.

    Raises:
        ValueError: it is cut.
    """
    found: Part = np.load(io.BytesIO(data))
    return found


def make_every(
    passages: Iterable[Passage], encoder: Encoder, places: Places, own: Callable[[int], bool] = lambda number: True
) -> Iterator[Made]:
    """Makes those parts of a corpus whose numbers are one's own, and yields each."""
    for number, part in enumerate(cut(passages)):
        if own(number):
            yield make_part(part, encoder, places)
