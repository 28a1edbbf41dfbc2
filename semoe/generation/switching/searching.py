"""One search for all rows that wait; the loop runs it in a thread, while other rows are written."""

import time
from collections.abc import Sequence

from semoe.generation.switching.requests import Requests
from semoe.retrieval.passage import Retrieved
from semoe.retrieval.retriever import Retriever
from semoe.telemetry.counting import metrics

Hits = tuple[Retrieved, ...]


def find(retriever: Retriever, requests: Requests, queries: Sequence[str], topk: int) -> tuple[list[Hits], float]:
    """Returns the passages of each query, and the seconds that the search took; gets ready what they will need.

    Raises:
        TransientError: the retriever does not answer.
    """
    started = time.monotonic()
    found = [tuple(hits) for hits in retriever.search(queries, topk)]
    seconds = time.monotonic() - started
    metrics.retrievals.inc(len(queries))
    metrics.passages_retrieved.inc(sum(map(len, found)))
    requests.prefetch([hit for hits in found for hit in hits])
    return found, seconds
