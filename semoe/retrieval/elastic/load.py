"""Loads passages into an index of Elasticsearch; what `semoe index --retriever elasticsearch` calls.

Several requests are under way at once, but they are collected in order: the checkpoint is always the length of a
finished beginning, and a loader that is killed goes on from there, here or on another machine.
"""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice

from semoe.errors import SemoeError, UsageError
from semoe.retrieval.elastic.batches import Batch, batches
from semoe.retrieval.elastic.bulk import send
from semoe.retrieval.elastic.connection import Connection
from semoe.retrieval.elastic.schema import WHILE_LOADING, Documents, Words, once_loaded
from semoe.retrieval.elastic.settings import ElasticConfig, LoadSettings
from semoe.retrieval.elastic.state import LoadState, check_corpus, check_encoder, create_index, find_state, write_state
from semoe.retrieval.passage import Passage
from semoe.words import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A complete index."""

    num_passages: int
    num_found: int
    """So many were there before: all of them where there was nothing to do."""


def load_index(
    passages: Iterable[Passage],
    name: str,
    config: ElasticConfig,
    *,
    corpus: str,
    settings: LoadSettings | None = None,
    documents: Documents | None = None,
) -> Loaded:
    """Loads all passages into index `name`, going on where an earlier call stopped; nothing where it is complete.

    Args:
        passages: the corpus from its beginning, in the same order each time; not read where the index is complete.
        name: of the index.
        config: where Elasticsearch is.
        corpus: what the passages are, such as file name and size; a text that changes when they do.
        settings: layout and speed.
        documents: what it holds of each passage; None: its words.

    Raises:
        UsageError: wrong credentials, another corpus or encoder under this name, a passage that cannot be indexed, an
            id twice.
        TransientError: Elasticsearch does not answer or stays busy; the same call goes on later.
    """
    settings = settings or LoadSettings()
    documents = documents or Words()
    with _connected(config) as connection:
        state = find_state(connection, name)
        if state is None:
            passages = _begun(passages)
            state = create_index(connection, name, corpus, settings, documents)
        check_corpus(connection, name, state, corpus)
        check_encoder(name, state, documents.encoder)
        if state.complete:
            return Loaded(num_passages=state.num_passages, num_found=state.num_passages)
        # Also where the index was there: a call that ended just before it said `complete` had put them back.
        connection.ask(lambda client: client.indices.put_settings(index=name, settings=WHILE_LOADING), name)
        made = batches(passages, state.num_passages, settings.bulk_bytes, documents)
        count = _fill(connection, name, made, state, settings)
        _finish(connection, name, replace(state, num_passages=count), settings)
        return Loaded(num_passages=count, num_found=state.num_passages)


def state_of(name: str, config: ElasticConfig) -> LoadState | None:
    """Returns how far an index has come; None where there is none.

    Raises:
        UsageError: wrong credentials, or the index was made by something else.
        TransientError: Elasticsearch does not answer.
    """
    with _connected(config) as connection:
        return find_state(connection, name)


def _begun(passages: Iterable[Passage]) -> Iterable[Passage]:
    """The same passages, the first one read: a missing or broken file leaves no index behind."""
    stream = iter(passages)
    return chain(list(islice(stream, 1)), stream)


@contextmanager
def _connected(config: ElasticConfig) -> Iterator[Connection]:
    connection = Connection(config)
    try:
        yield connection
    finally:
        connection.close()


def _fill(connection: Connection, name: str, made: Iterator[Batch], state: LoadState, settings: LoadSettings) -> int:
    """Sends what is missing; returns how many passages there are."""
    kept = state
    kept_at = time.monotonic()
    try:
        with closing(_sent(connection, name, made, settings)) as lengths:
            for length in lengths:
                state = replace(state, num_passages=length)
                if time.monotonic() - kept_at >= settings.checkpoint_seconds:
                    kept = write_state(connection, name, state)
                    kept_at = time.monotonic()
    except BaseException:
        if state != kept:
            _keep(connection.config, name, state)
        raise
    return state.num_passages


def _keep(config: ElasticConfig, name: str, state: LoadState) -> None:
    """A last checkpoint, with little patience: the error at hand is the one to be told."""
    with suppress(SemoeError), _connected(replace(config, patience_seconds=1.0)) as connection:
        write_state(connection, name, state)


def _sent(connection: Connection, name: str, made: Iterator[Batch], settings: LoadSettings) -> Generator[int]:
    """Yields the length of the finished beginning, whenever it grows."""
    pool = ThreadPoolExecutor(settings.num_threads)
    under_way: deque[Future[int]] = deque()
    try:
        for batch in made:
            under_way.append(pool.submit(send, connection, name, batch))
            # Some more than threads, so that none idles while the oldest request is waited for.
            while len(under_way) > 2 * settings.num_threads or (under_way and under_way[0].done()):
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    except BaseException:
        connection.close()  # no thread waits any longer for a busy cluster
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _finish(connection: Connection, name: str, state: LoadState, settings: LoadSettings) -> None:
    """Makes the index durable and visible, counts it, and calls it complete."""
    connection.ask(lambda client: client.indices.flush(index=name), name)
    connection.ask(lambda client: client.indices.refresh(index=name), name)
    found = connection.ask(lambda client: client.count(index=name), name)["count"]
    if found != state.num_passages:
        raise UsageError(
            f"Index {name} holds {counted(found, 'passage')}, and {state.num_passages:,} were sent of {state.corpus}. "
            "Either ids occur twice in the corpus, or something else writes into the index: repair it, and load it "
            "under another --index_name.",
            kind="index-count",
        )
    connection.ask(lambda client: client.indices.put_settings(index=name, settings=once_loaded(settings)), name)
    write_state(connection, name, replace(state, complete=True))
