"""The table of retrievers. Each loads its package when it is opened, not when this module is imported."""

from collections.abc import Callable

from semoe.registry import Registry
from semoe.retrieval.retriever import RetrievalConfig, Retriever

retrievers: Registry[Callable[[RetrievalConfig], Retriever]] = Registry("retriever")


@retrievers.register("bm25")
def _bm25(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.bm25 import Bm25Retriever  # noqa: PLC0415  (numpy and bm25s take a while)

    return Bm25Retriever(config.index_dir / config.index_name)


@retrievers.register("elasticsearch")
def _elasticsearch(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.elastic.retriever import ElasticRetriever  # noqa: PLC0415  (likewise)
    from semoe.retrieval.elastic.settings import ElasticConfig  # noqa: PLC0415

    return ElasticRetriever(config.index_name, config.elastic or ElasticConfig.from_environment())
