"""Stage `index`: a corpus becomes an index, in a folder or in Elasticsearch, where a stopped load goes on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from semoe.registry import Registry
from semoe.retrieval.bm25 import build_index, is_index
from semoe.retrieval.dense import GRAPH_ABOUT
from semoe.retrieval.dense.vectors import is_vectors, require_encoder
from semoe.retrieval.elastic.load import load_index, state_of
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import PLUS, parts_of
from semoe.stages.corpus import Corpus, open_corpus
from semoe.telemetry.progress import progress

ON_VECTORS = ("dense-hnsw", "dense", "dense-gpu")
"""Retrievers of one folder of vectors; the first wants the most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Indexed:
    """An index and what is in it."""

    num_passages: int
    num_found: int
    """Of them, those that an earlier load had brought in."""
    index: str
    """Where it is."""
    recall: float | None = None
    """Of a graph: the share of the first 10 of exact search that it finds, over some titles."""


Indexer = Callable[[Corpus, Iterator[Passage], RetrievalConfig, LoadSettings], Indexed]
indexers: Registry[Indexer] = Registry("retriever")
"""How each retriever's index is made; a retriever without one here has an index from elsewhere."""


def index_corpus(corpus: Corpus, indexer: Indexer, where: RetrievalConfig, load: LoadSettings | None = None) -> Indexed:
    """Indexes a corpus.

    Args:
        corpus: its passages.
        indexer: of the retriever that will search; one of `indexers`.
        where: the index.
        load: shards and copies, for Elasticsearch.

    Raises:
        UsageError: it is no corpus, or wrong settings for the index.
        TransientError: Elasticsearch or the store does not answer.
    """
    with progress("index", corpus.size, "bytes") as advance:
        return indexer(corpus, corpus.passages(advance), where, load or LoadSettings())


def index_all(
    data_path: str, retriever: str, where: RetrievalConfig, load: LoadSettings | None = None, quoting: str = ""
) -> dict[str, Indexed]:
    """Indexes a corpus for every retriever of a name, such as `bm25+dense`; returns what each came to.

    Raises:
        UsageError: no such corpus or retriever; see `index_corpus`.
        TransientError: likewise.
    """
    names = parts_of(retriever)
    # Of one folder of vectors the graph is the most that can be wanted: it is made once.
    together = [name for name in ON_VECTORS if name in names]
    wanted = [name for name in names if name not in together[1:]]
    # Vectors first: a mistaken encoder is told before anything was made.
    order = sorted(wanted, key=lambda name: "dense" not in name)
    made = {name: index_corpus(open_corpus(data_path, quoting), indexers[name], where, load) for name in order}
    return {name: made[name if name in made else together[0]] for name in names}


def ensure_index(data_path: str, retriever: str, where: RetrievalConfig, quoting: str = "") -> list[Indexed]:
    """Indexes a corpus where that is not done: a folder of this format is whole, and a server says what it has.

    Raises:
        UsageError: no such corpus or retriever, or vectors are there that another encoder made; see `index_corpus`.
        TransientError: likewise.
    """
    names = parts_of(retriever)
    if any(name in names for name in ON_VECTORS):
        require_encoder(where.dense_folder, where.encoder)
    are_vectors = is_vectors(where.dense_folder)
    there = {
        "bm25": is_index(where.bm25_folder),
        "dense": are_vectors,
        "dense-gpu": are_vectors,
        "dense-hnsw": are_vectors and (where.dense_folder / GRAPH_ABOUT).exists(),
    }
    missing = [name for name in names if not there.get(name)]
    return list(index_all(data_path, PLUS.join(missing), where, quoting=quoting).values()) if missing else []


@indexers.register("bm25")
def _into_a_folder(corpus: Corpus, passages: Iterator[Passage], where: RetrievalConfig, load: LoadSettings) -> Indexed:
    num_passages = build_index(passages, where.bm25_folder)
    return Indexed(num_passages=num_passages, num_found=0, index=str(where.bm25_folder))


@indexers.register("dense")
@indexers.register("dense-gpu")
def _into_vectors(corpus: Corpus, passages: Iterator[Passage], where: RetrievalConfig, load: LoadSettings) -> Indexed:
    from semoe.stages.vector_index import make_vectors  # noqa: PLC0415  (torch takes a while)

    return Indexed(**make_vectors(passages, where)._asdict(), index=str(where.dense_folder))


@indexers.register("dense-hnsw")
def _into_a_graph(corpus: Corpus, passages: Iterator[Passage], where: RetrievalConfig, load: LoadSettings) -> Indexed:
    from semoe.stages.vector_index import make_vectors  # noqa: PLC0415  (likewise)

    return Indexed(**make_vectors(passages, where, with_graph=True)._asdict(), index=str(where.dense_folder))


@indexers.register("elasticsearch")
def _into_elasticsearch(
    corpus: Corpus, passages: Iterator[Passage], where: RetrievalConfig, load: LoadSettings
) -> Indexed:
    server = where.elastic or ElasticConfig.from_environment()
    loaded = load_index(passages, where.index_name, server, corpus=corpus.identity, settings=load)
    index = f"{server.where}/{where.index_name}"
    return Indexed(num_passages=loaded.num_passages, num_found=loaded.num_found, index=index)


@indexers.register("elasticsearch-dense")
def _into_elastic_vectors(
    corpus: Corpus, passages: Iterator[Passage], where: RetrievalConfig, load: LoadSettings
) -> Indexed:
    from semoe.retrieval.dense.encoders import open_encoder  # noqa: PLC0415  (likewise)
    from semoe.retrieval.elastic.vectors import Vectors  # noqa: PLC0415
    from semoe.stages.vector_index import encoder_name_of, shared_of  # noqa: PLC0415

    server = where.elastic or ElasticConfig.from_environment()
    name = where.vectors_name
    index = f"{server.where}/{name}"
    state = state_of(name, server)
    made_by = str(state.encoder.get("encoder", "")) if state else ""
    if state and state.complete and state.corpus == corpus.identity and where.encoder in (None, made_by):
        return Indexed(num_passages=state.num_passages, num_found=state.num_passages, index=index)
    encoder_name = encoder_name_of(where, made_by)
    encoder = open_encoder(encoder_name)
    vectors = Vectors(encoder_name, encoder, shared_of(where, encoder_name, encoder))
    loaded = load_index(passages, name, server, corpus=corpus.identity, settings=load, documents=vectors)
    return Indexed(num_passages=loaded.num_passages, num_found=loaded.num_found, index=index)
