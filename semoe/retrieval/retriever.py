"""The one contract of retrieval, and what its parts are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from semoe.errors import UsageError
from semoe.retrieval.dense import DENSE
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.retrieval.passage import Retrieved

RERANKER = "cross-encoder/ms-marco-MiniLM-L6-v2"
"""Small, English, of web questions; many know it."""


class Retriever(Protocol):
    """Finds passages for queries; safe to call from one thread at a time."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrievalConfig:
    """Where the index lives: in a folder, or in Elasticsearch.

    Raises:
        UsageError: a name that would be taken for another index's vectors.

    Example:
        >>> import semoe
        >>> str(semoe.RetrievalConfig(index_name="notes").bm25_folder)
        'index/notes'
    """

    index_dir: Path = Path("index")
    """Folder that holds one folder an index, for bm25 and dense."""
    index_name: str = "wiki"
    encoder: str | None = None
    """For vectors: the sentence encoder; None: the one that the index was made with, `minilm` where it is made."""
    parts: str | None = None
    """For vectors that are being made: a folder or s3://… where workers keep parts; None: this machine makes all."""
    reranker: str = RERANKER
    """For `/rerank`: the cross-encoder, by folder or name on the Hugging Face hub."""
    elastic: ElasticConfig | None = None
    """Where Elasticsearch is; None: as the environment says (`SEMOE_ES_URL`, …)."""

    def __post_init__(self) -> None:
        if self.index_name.endswith(DENSE):
            raise UsageError(
                f"index_name must not end with {DENSE}: so end the vectors of an index. Give another.",
                kind="bad-value",
            )

    @property
    def bm25_folder(self) -> Path:
        """Of BM25's index."""
        return self.index_dir / self.index_name

    @property
    def dense_folder(self) -> Path:
        """Of the vectors."""
        return self.index_dir / f"{self.index_name}{DENSE}"

    @property
    def vectors_name(self) -> str:
        """Of the vectors in Elasticsearch."""
        return f"{self.index_name}{DENSE}"

    @property
    def place(self) -> str:
        """The folder, or the server's address."""
        return self.elastic.where if self.elastic else str(self.index_dir.resolve())


class Nothing:
    """A retriever that finds nothing, for a method that never asks: it needs no index."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns no passage for each query."""
        return [[] for _ in queries]
