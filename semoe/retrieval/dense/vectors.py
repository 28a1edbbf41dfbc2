"""The vectors of a corpus in a folder, memory-mapped; `building` makes them.

    index.json          encoder, dimensions, number of passages, digests of the parts; an index that has it is whole
    passages.jsonl      the passages, and offsets.npy, where each begins
    vectors/00000.npy   [N, D] float16 of the first `PARTS` parts (`parts`), and so on: few enough to be open at once
    graph.faiss         for `dense-hnsw`; see `graph`

D dimensions
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semoe.errors import CorruptError, TransientError, UsageError
from semoe.files import read_json
from semoe.retrieval.dense.encoder import Encoder
from semoe.retrieval.dense.parts import Part, file_lengths, of_file
from semoe.retrieval.passage_file import PassageFile, format_of
from semoe.words import counted

FORMAT = 2
ABOUT = "index.json"
BUILDING = "building.json"
SENTENCE = "The lighthouse keeper's daughter wrote three novels."
"""Its vector says whether an encoder is the one that made an index."""
ALIKE = 0.999
"""The least cosine of two vectors of it by one encoder."""


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
                f"{folder} has {counted(len(self.passages), 'passage')} where {num_passages} are expected. "
                "Index again.",
                kind="corrupt",
            )
        self.parts: Sequence[Part] = list(_parts(folder, num_passages, size))


def _parts(folder: Path, num_passages: int, size: int) -> Iterator[Part]:
    for number, length in enumerate(file_lengths(num_passages)):
        path = file_of(folder, number)
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
        yield from of_file(vectors_ND)


def file_of(folder: Path, number: int) -> Path:
    """Returns the path of one of the files of vectors."""
    return folder / "vectors" / f"{number:05}.npy"
