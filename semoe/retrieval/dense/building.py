"""An index of vectors is built beside the one that it replaces; a build that was stopped goes on.

.wiki.dense.building/parts   each part by its digest (`parts`), until the index is whole
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from semoe.errors import CorruptError, TransientError
from semoe.files import os_errors, read_json, write_json
from semoe.retrieval.dense import GRAPH, GRAPH_ABOUT
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.dense.parts import (
    PARTS,
    EarlierParts,
    FolderParts,
    KeptParts,
    Made,
    Part,
    cut,
    digest_of,
    make_every,
    vectors_of,
)
from semoe.retrieval.dense.vectors import ABOUT, BUILDING, VectorFolder, about, file_of, is_same, is_vectors
from semoe.retrieval.passage import Passage
from semoe.retrieval.passage_file import searched, store_passages

log = logging.getLogger(__name__)

Finish = Callable[[Path], None]
"""What is made of a folder of vectors before it takes its place."""


def build_vectors(
    passages: Iterable[Passage],
    folder: Path,
    encoder_name: str,
    encoder: Encoder,
    *,
    shared: KeptParts | None = None,
    finish: Finish = lambda folder: None,
) -> tuple[int, int]:
    """Builds an index of all passages in the place of an older one, or goes on with one that was stopped.

    Args:
        passages: the corpus.
        folder: of the index.
        encoder_name: what opens the encoder again.
        encoder: makes the vectors that are kept nowhere yet.
        shared: where other workers keep parts.
        finish: adds to the index before it takes its place.

    Returns:
        Passages, and of them those whose vectors were there already: of a build that was stopped, in the index that is
        replaced, or in the shared place.

    Raises:
        UsageError: the folder cannot be written.
        CorruptError: the encoder makes numbers that are none.
        TransientError: another process builds it.
    """
    building = folder.with_name(f".{folder.name}.building")
    told = about(encoder_name, encoder)
    with os_errors(folder), _alone(folder):
        _prepare(building, told)
        places: list[KeptParts] = [FolderParts(building / "parts"), _earlier(folder, told)]
        places += [shared] if shared else []
        found = _Counted()
        digests = [found.add(made) for made in make_every(store_passages(passages, building), encoder, places)]
        _join(building, digests)
        write_json(building / ABOUT, told | {"num_passages": found.num_passages, "parts": digests})
        _keep_graph(folder, building)
        finish(building)
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
        shutil.rmtree(folder / "parts")
        # Last: until then a stop anywhere leaves a build that goes on.
        (folder / BUILDING).unlink()
    return found.num_passages, found.num_found


def encode_share(
    passages: Iterable[Passage], encoder: Encoder, shared: KeptParts, number: int, num_workers: int
) -> tuple[int, int]:
    """Makes a worker's share of a corpus's parts: of every `num_workers` the one at `number`, counted from 0.

    Returns:
        Passages of its share, and of them those whose vectors were there already.
    """
    found = _Counted()
    for made in make_every(passages, encoder, [shared], lambda part: part % num_workers == number):
        found.add(made)
    return found.num_passages, found.num_found


@dataclass
class _Counted:
    """Passages, and of them those whose vectors were there already."""

    num_passages: int = 0
    num_found: int = 0

    def add(self, made: Made) -> str:
        """Counts a part; returns its digest."""
        self.num_passages += len(made.vectors_ND)
        self.num_found += len(made.vectors_ND) if made.is_found else 0
        return made.digest


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


def _prepare(building: Path, told: dict[str, Any]) -> None:
    """Makes the folder of a build, or empties it where another encoder's was stopped in it."""
    if not (building / BUILDING).exists() or not is_same(read_json(building / BUILDING), told):
        shutil.rmtree(building, ignore_errors=True)
        (building / "parts").mkdir(parents=True)
        write_json(building / BUILDING, told)


def _earlier(folder: Path, told: dict[str, Any]) -> EarlierParts:
    """Returns the parts of the index that is replaced, where the same encoder made it and it is whole."""
    if not is_vectors(folder) or not is_same(read_json(folder / ABOUT), told):
        return EarlierParts({})
    try:
        opened = VectorFolder(folder)
    except (CorruptError, TransientError):
        return EarlierParts({})
    # An index of before they were kept is cut as it was then.
    texts = ([searched(one) for one in part] for part in cut(iter(opened.passages)))
    digests = opened.about.get("parts") or list(map(digest_of, texts))
    return EarlierParts(dict(zip(digests, opened.parts, strict=False)))


def _keep_graph(folder: Path, building: Path) -> None:
    """Takes the graph of the index that is replaced, where it is one of the same vectors; no other stays."""
    for name in (GRAPH_ABOUT, GRAPH):
        (building / name).unlink(missing_ok=True)
    if not is_vectors(folder) or read_json(folder / ABOUT).get("parts") != read_json(building / ABOUT)["parts"]:
        return
    if (folder / GRAPH_ABOUT).exists() and (folder / GRAPH).exists():
        shutil.copy2(folder / GRAPH, building / GRAPH)
        shutil.copy2(folder / GRAPH_ABOUT, building / GRAPH_ABOUT)


def _join(building: Path, digests: Sequence[str]) -> None:
    """Writes the parts into few files; they stay, so that a stop loses nothing."""
    parts = FolderParts(building / "parts")
    shutil.rmtree(building / "vectors", ignore_errors=True)
    (building / "vectors").mkdir()
    for number, first in enumerate(range(0, len(digests), PARTS)):
        vectors_ND = np.concatenate([_kept(parts, digest) for digest in digests[first : first + PARTS]])
        np.save(file_of(building, number), vectors_ND)


def _kept(parts: FolderParts, digest: str) -> Part:
    data = parts.get(digest)
    if data is None:
        raise CorruptError(f"A part of the index vanished while it was built ({digest}). Index again.", kind="corrupt")
    return vectors_of(data)
