"""What was found is read again, each passage beside its question, by a cross-encoder: slower and surer than vectors.

A refinement of any retriever. Source: passage re-ranking with BERT (Nogueira and Cho, arXiv 1901.04085).
"""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from semoe.errors import CorruptError, UsageError
from semoe.missing import require_package
from semoe.retrieval.dense.encoder import halving, loaded
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.passage_file import id_order, searched
from semoe.retrieval.retriever import RERANKER, Retriever
from semoe.words import counted

DEPTH = 30
"""Passages that are read for a question, at least."""
Scores = npt.NDArray[np.float32]


class Scorer(Protocol):
    """Says how well passages answer questions."""

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """Returns a score for each question and passage; the higher, the better."""
        ...


class Reranked:
    """A `Retriever` over another one; a passage's score is its cross-encoder's."""

    def __init__(self, base: Retriever, scorer: Scorer) -> None:
        self._base = base
        self._scorer = scorer
        self.num_passages: int | None = getattr(base, "num_passages", None)

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        found = self._base.search(queries, max(k, DEPTH))
        pairs = [(query, searched(hit.passage)) for query, hits in zip(queries, found, strict=True) for hit in hits]
        scores = iter(self._scorer(pairs) if pairs else ())
        return [_by_score([(hit, float(next(scores))) for hit in hits])[:k] for hits in found]


def _by_score(scored: Sequence[tuple[Retrieved, float]]) -> list[Retrieved]:
    order = sorted(scored, key=lambda one: (-one[1], id_order(one[0].passage.id)))
    return [Retrieved(hit.passage, score, rank) for rank, (hit, score) in enumerate(order)]


class CrossEncoder:
    """A `Scorer` through sentence-transformers, which cuts what is longer than the model takes."""

    def __init__(self, name: str) -> None:
        """Loads it.

        Args:
            name: a folder, or a name on the Hugging Face hub.

        Raises:
            UsageError: sentence-transformers is not installed, there is no such model, or it does not say one number.
        """
        require_package("sentence_transformers", "/rerank")
        library = importlib.import_module("sentence_transformers")
        self._name = name
        self._model: Any = loaded(name, lambda: library.CrossEncoder(name), what="reranker")
        kinds = getattr(self._model.config, "architectures", None) or [""]
        if not kinds[0].endswith("ForSequenceClassification"):
            # The library would give it a head of random numbers, other ones in each process.
            raise UsageError(
                f"{name} is no cross-encoder ({kinds[0] or 'of no kind that it says'}): nothing in it scores a pair. "
                f"Give a model for sequence classification with one label, such as {RERANKER}.",
                kind="unknown-name",
            )
        if self._model.num_labels != 1:
            raise UsageError(
                f"{name} says {counted(self._model.num_labels, 'number')} of a question and a passage where a "
                "reranker says one. Give a cross-encoder for passages.",
                kind="unknown-name",
            )

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """See `Scorer`.

        Raises:
            CorruptError: the model makes numbers that are not finite.
        """
        # Without the sigmoid that many have: it makes equals of those that the model is sure of.
        plain = torch.nn.Identity()
        scores = np.asarray(
            halving(
                lambda batch: self._model.predict(
                    list(pairs), batch_size=batch, activation_fn=plain, show_progress_bar=False
                )
            ),
            dtype=np.float32,
        )
        if not np.isfinite(scores).all():
            bad = pairs[int(np.flatnonzero(~np.isfinite(scores))[0])]
            raise CorruptError(
                f"The reranker {self._name} says no number of {bad[0][:80]!r}. Its weights are damaged, or too large "
                "for its type. Take another.",
                kind="not-finite",
            )
        return scores
