"""Stage `index`: a corpus becomes an index, in a folder or in Elasticsearch, where a stopped load goes on."""

from dataclasses import dataclass

from semoe.errors import unknown_name
from semoe.retrieval.bm25 import build_index
from semoe.retrieval.elastic.load import load_index
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import retrievers
from semoe.stages.corpus import open_corpus
from semoe.telemetry.progress import progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexed:
    """An index and what is in it."""

    num_passages: int
    num_found: int
    """Of them, those that an earlier load had brought in."""
    index: str
    """Where it is."""


def index_corpus(data_path: str, retriever: str, where: RetrievalConfig, load: LoadSettings | None = None) -> Indexed:
    """Indexes a corpus.

    Args:
        data_path: a file, or `s3://bucket/name`.
        retriever: which will search: `bm25` or `elasticsearch`.
        where: the index.
        load: shards and copies, for Elasticsearch.

    Raises:
        UsageError: no such corpus, or not one; no such retriever, or wrong settings for it.
        TransientError: Elasticsearch or the store does not answer.
    """
    name = retriever.lower()
    if name not in retrievers:
        raise unknown_name("retriever", retriever, retrievers)
    elastic = where.elastic
    if name == "elasticsearch" and elastic is None:
        elastic = ElasticConfig.from_environment()
    corpus = open_corpus(data_path)
    with corpus.file, progress("index", corpus.size, "bytes") as advance:
        passages = corpus.passages(advance)
        if name != "elasticsearch" or elastic is None:
            folder = where.index_dir / where.index_name
            return Indexed(num_passages=build_index(passages, folder), num_found=0, index=str(folder))
        loaded = load_index(
            passages, where.index_name, elastic, corpus=corpus.identity, settings=load or LoadSettings()
        )
        index = f"{elastic.where}/{where.index_name}"
        return Indexed(num_passages=loaded.num_passages, num_found=loaded.num_found, index=index)
