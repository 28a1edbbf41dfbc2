"""Searches an index of Elasticsearch with the published query: the retriever `elasticsearch`."""

from collections.abc import Sequence
from typing import Any

from semoe.errors import TransientError, UsageError
from semoe.retrieval.elastic.connection import Connection
from semoe.retrieval.elastic.errors import BUSY, TooLargeError, command_for, reason, refused
from semoe.retrieval.elastic.schema import search_body
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.retrieval.elastic.state import find_state
from semoe.retrieval.passage import Passage, Retrieved
from semoe.words import counted

CHUNK = 64
"""Queries a request."""
# Word counts over all shards, as published, so that a score does not depend on a passage's neighbours; and an answer
# from a part of the shards is an error.
HEADER = {"search_type": "dfs_query_then_fetch", "allow_partial_search_results": False}


class ElasticRetriever:
    """A `Retriever` over a complete index.

    Raises:
        UsageError: wrong credentials, no such index, or it is half built.
        TransientError: Elasticsearch does not answer.
    """

    def __init__(self, name: str, config: ElasticConfig) -> None:
        self._connection = Connection(config)
        self._name = name
        state = find_state(self._connection, name)
        if state is None:
            raise refused(404, "", name, config.where)
        if not state.complete:
            raise UsageError(
                f"Index {name} is half built ({counted(state.num_passages, 'passage')} of {state.corpus} so far). Run "
                f"{command_for(name)} again; it goes on from there.",
                kind="half-built-index",
            )
        self.num_passages = state.num_passages
        self._state = state

    def search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        """Returns up to `k` passages for each query, best first, ties by passage id.

        Raises:
            UsageError: Elasticsearch refuses a query; the message has it.
            TransientError: it does not answer, or stays busy, for `patience_seconds` seconds.
        """
        found = list[list[Retrieved]]()
        for start in range(0, len(queries), CHUNK):
            found += self._search(queries[start : start + CHUNK], k)
        return found

    def _search(self, queries: Sequence[str], k: int) -> list[list[Retrieved]]:
        answers: dict[int, list[Retrieved]] = {}
        bodies = self._bodies(queries, k)
        missing = list(range(len(queries)))
        patience = self._connection.patience()
        while missing:
            why = ""
            for row, answer in zip(missing, self._ask([bodies[row] for row in missing]), strict=True):
                if answer["status"] == 200:
                    answers[row] = self._hits(answer)
                elif answer["status"] in BUSY:
                    why = reason(answer)
                else:
                    raise self._refused(queries[row], answer)
            missing = [row for row in missing if row not in answers]
            if missing and not patience.wait():
                raise TransientError(
                    f"Elasticsearch at {self._connection.config.where} does not answer "
                    f"{counted(len(missing), 'query')} on {self._name} ({why}). Try again later.",
                    kind="es-busy",
                )
        return [answers[row] for row in range(len(queries))]

    def _bodies(self, queries: Sequence[str], k: int) -> list[dict[str, Any]]:
        """Returns what is asked for each query."""
        return [search_body(query, k) for query in queries]

    def _score(self, said: float) -> float:
        """Returns a passage's score of what Elasticsearch makes of it."""
        return said

    def _ask(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Asks in one request, or in halves where a gateway takes none so large: vectors are long."""
        searches = [part for body in bodies for part in (HEADER, body)]
        try:
            answer = self._connection.ask(
                lambda client: client.msearch(index=self._name, searches=searches), self._name, operation="search"
            )
        except TooLargeError:
            if len(bodies) == 1:
                raise
            half = len(bodies) // 2
            return self._ask(bodies[:half]) + self._ask(bodies[half:])
        return list(answer["responses"])

    def _refused(self, query: str, answer: dict[str, Any]) -> Exception:
        error = refused(answer["status"], reason(answer), self._name, self._connection.config.where)
        return type(error)(f"{error} The query was {query[:100]!r}.", kind=error.kind)

    def _hits(self, answer: dict[str, Any]) -> list[Retrieved]:
        found = ((hit["_source"], self._score(hit["sort"][0])) for hit in answer["hits"]["hits"])
        return [
            Retrieved(Passage(source["id"], source["txt"], source["title"]), score, rank)
            for rank, (source, score) in enumerate(found)
        ]
