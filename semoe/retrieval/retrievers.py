"""The table of retrievers, and how several become one. Each loads its package when it is opened, not when imported.

A name such as `bm25+dense/names` says: both search together, and names in what they find are asked again;
`bm25:0.7+dense:0.3` weighs their scores.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from semoe.errors import UsageError
from semoe.registry import Registry
from semoe.retrieval.retriever import RetrievalConfig, Retriever

retrievers: Registry[Callable[[RetrievalConfig], Retriever]] = Registry("retriever")
refinements: Registry[Callable[[Retriever, RetrievalConfig], Retriever]] = Registry("refinement of retrieval")
"""What may stand behind a retriever: it makes a better one of it."""
PLUS = "+"
"""Between the names of retrievers that search together."""
BEHIND = "/"
"""Before the name of a refinement."""
WEIGHT = ":"
"""Before the weight of a retriever."""


@retrievers.register("bm25")
def _bm25(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.bm25 import Bm25Retriever  # noqa: PLC0415  (numpy and bm25s take a while)

    return Bm25Retriever(config.bm25_folder)


@retrievers.register("dense")
def _dense(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.dense.retriever import DenseRetriever  # noqa: PLC0415  (likewise)

    return DenseRetriever(config.dense_folder, encoder_name=config.encoder)


@retrievers.register("dense-hnsw")
def _dense_hnsw(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.dense.retriever import DenseRetriever, along_a_graph  # noqa: PLC0415  (likewise)

    return DenseRetriever(config.dense_folder, encoder_name=config.encoder, find=along_a_graph)


@retrievers.register("dense-gpu")
def _dense_gpu(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.dense.retriever import DenseRetriever, on_a_gpu  # noqa: PLC0415  (likewise)

    return DenseRetriever(config.dense_folder, encoder_name=config.encoder, find=on_a_gpu)


@retrievers.register("elasticsearch")
def _elasticsearch(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.elastic.retriever import ElasticRetriever  # noqa: PLC0415  (likewise)
    from semoe.retrieval.elastic.settings import ElasticConfig  # noqa: PLC0415

    return ElasticRetriever(config.index_name, config.elastic or ElasticConfig.from_environment())


@retrievers.register("elasticsearch-dense")
def _elasticsearch_dense(config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.elastic.settings import ElasticConfig  # noqa: PLC0415  (likewise)
    from semoe.retrieval.elastic.vectors import ElasticDenseRetriever  # noqa: PLC0415

    server = config.elastic or ElasticConfig.from_environment()
    return ElasticDenseRetriever(config.vectors_name, server, encoder_name=config.encoder)


def on_a_server(name: str) -> bool:
    """Whether a retriever of this name searches in Elasticsearch."""
    return any(own.startswith("elasticsearch") for own in parts_of(name))


@refinements.register("names")
def _names(base: Retriever, config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.two_steps import TwoSteps  # noqa: PLC0415

    return TwoSteps(base)


@refinements.register("rerank")
def _rerank(base: Retriever, config: RetrievalConfig) -> Retriever:
    from semoe.retrieval.reranking import CrossEncoder, Reranked  # noqa: PLC0415  (torch)

    return Reranked(base, CrossEncoder(config.reranker))


class Put(NamedTuple):
    """How retrievers are put together."""

    names: list[str]
    """Of those that search."""
    weights: list[float] | None
    """Of their scores; None: by ranks."""
    refining: list[str]


def put_together(name: str) -> Put:
    """Reads a name such as `bm25:0.7+dense:0.3/names`.

    Raises:
        UsageError: a retriever or refinement is unknown, or stands there twice; or weights that make no sense.
    """
    searching, *refining = (step.strip() for step in name.lower().split(BEHIND))
    parts = [part.partition(WEIGHT) for part in searching.split(PLUS)]
    names = [own.strip() for own, _, _ in parts]
    if "" in (*names, *refining):
        raise UsageError(f"{name!r} lacks a name. Write it as bm25+dense/names.", kind="options")
    for own in names:
        retrievers[own]
    for own in refining:
        refinements[own]
    if len(set(names)) < len(names) or len(set(refining)) < len(refining):
        raise UsageError(f"{name} names something twice. Give each once, such as bm25+dense/names.", kind="options")
    has_weights = any(colon for _, colon, _ in parts)
    return Put(names, _weights([weight for _, _, weight in parts], name) if has_weights else None, refining)


def _weights(said: Sequence[str], name: str) -> list[float]:
    try:
        found = [float(weight) for weight in said]
    except ValueError:
        found = []
    if len(found) < 2 or not all(0 < weight < float("inf") for weight in found):
        raise UsageError(
            f"{name}: a weight is a number above 0, behind each of several, such as bm25:0.7+dense:0.3.", kind="options"
        )
    return found


def parts_of(name: str) -> list[str]:
    """Returns the names of the retrievers that search together under a name; see `put_together`."""
    return put_together(name).names


def open_retriever(name: str, config: RetrievalConfig) -> Retriever:
    """Opens a retriever, or several that search together, with what refines them.

    Args:
        name: one of `retrievers`, or several with a plus between them; behind them refinements, each after a slash.
        config: where their indexes are.

    Raises:
        UsageError: no such retriever or index; see `put_together`.

    Example:
        >>> import semoe
        >>> notes = [semoe.Passage("1", "The bell of Ilmajoki was cast in 1713.", "The bell")]
        >>> where = semoe.index_passages(notes, "bm25", semoe.RetrievalConfig())
        >>> hits = semoe.open_retriever("bm25", where).search(["When was the bell cast?"], 3)
        >>> hits[0][0].passage.title, hits[0][0].rank
        ('The bell', 0)
    """
    put = put_together(name)
    retriever = _together([retrievers[own](config) for own in put.names], put.weights)
    for own in put.refining:
        retriever = refinements[own](retriever, config)
    return retriever


def _together(opened: Sequence[Retriever], weights: Sequence[float] | None) -> Retriever:
    if len(opened) == 1:
        return opened[0]
    from semoe.retrieval.fusion import Fusion  # noqa: PLC0415  (numpy)

    return Fusion(opened, weights)
