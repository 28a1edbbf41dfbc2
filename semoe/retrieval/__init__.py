"""Passages and how they are found."""

from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import RetrievalConfig, Retriever, retrievers

__all__ = [
    "Bm25Retriever",
    "Passage",
    "RetrievalConfig",
    "Retrieved",
    "Retriever",
    "build_index",
    "read_passages",
    "retrievers",
]
