"""Passages and how they are found."""

from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.elastic.load import Loaded, load_index
from semoe.retrieval.elastic.retriever import ElasticRetriever
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage, Retrieved
from semoe.retrieval.retriever import Nothing, RetrievalConfig, Retriever, retrievers

__all__ = [
    "Bm25Retriever",
    "ElasticConfig",
    "ElasticRetriever",
    "LoadSettings",
    "Loaded",
    "Nothing",
    "Passage",
    "RetrievalConfig",
    "Retrieved",
    "Retriever",
    "build_index",
    "load_index",
    "read_passages",
    "retrievers",
]
