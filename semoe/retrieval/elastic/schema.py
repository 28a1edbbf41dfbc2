"""What an index is: mapping, settings, one document a passage, and the query that searches it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from semoe.retrieval.elastic.settings import LoadSettings
from semoe.retrieval.passage import Passage

NUMBER_LIMIT = 1 << 62
"""Ids that are numbers below this are ordered by value, as the embedded BM25 orders them."""
# These two only settle ties, so they need no index.
ORDER = {"id": {"type": "keyword", "index": False}, "number": {"type": "long", "index": False}}
MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "txt": {"type": "text", "analyzer": "english"},
        "title": {"type": "text", "analyzer": "english"},
        **ORDER,
    },
}
SIMILARITY = {"default": {"type": "BM25", "k1": 1.2, "b": 0.75}}
WHILE_LOADING = {"refresh_interval": "-1", "number_of_replicas": 0}
TIES = [{"_score": "desc"}, {"number": {"order": "asc", "missing": "_last"}}, {"id": "asc"}]
FOUND = {"sort": TIES, "track_total_hits": False, "_source": ["id", "txt", "title"]}


class Documents(Protocol):
    """What an index holds of passages."""

    @property
    def mapping(self) -> Mapping[str, Any]:
        """Its fields."""
        ...

    @property
    def encoder(self) -> Mapping[str, Any]:
        """What tells the encoder of its vectors from others; empty where it holds none."""
        ...

    @property
    def at_once(self) -> int:
        """So many passages are made into documents together."""
        ...

    @property
    def is_cut(self) -> bool:
        """Whether its groups are to be those that they are from the first passage on, wherever a load goes on."""
        ...

    def lines(self, passages: Sequence[Passage]) -> list[bytes]:
        """Returns what a bulk request has of each passage."""
        ...


class Words:
    """`Documents` that are searched by their words."""

    mapping = MAPPING
    encoder: Mapping[str, Any] = {}
    at_once = 1
    is_cut = False

    def lines(self, passages: Sequence[Passage]) -> list[bytes]:
        """See `Documents`."""
        return [bulk_lines(passage) for passage in passages]


def index_settings(settings: LoadSettings) -> dict[str, Any]:
    """The settings of an index that is about to be loaded."""
    return {"number_of_shards": settings.num_shards, "similarity": SIMILARITY} | WHILE_LOADING


def once_loaded(settings: LoadSettings) -> dict[str, Any]:
    """The settings that loading put off."""
    return {"refresh_interval": settings.refresh_interval, "number_of_replicas": settings.num_replicas}


def bulk_lines(passage: Passage, **more: Any) -> bytes:
    """The two lines that add a passage under its own id; where it is already there, they change nothing."""
    action = {"create": {"_id": passage.id}}
    document: dict[str, Any] = {"id": passage.id, "txt": passage.text, "title": passage.title, **more}
    if passage.id.isdecimal() and int(passage.id) < NUMBER_LIMIT:
        document["number"] = int(passage.id)
    return orjson.dumps(action) + b"\n" + orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n"


def search_body(query: str, k: int) -> dict[str, Any]:
    """The published query: the better of text and title counts, the other by half; ties at the cut by id."""
    fields = {"query": query, "type": "best_fields", "fields": ["txt", "title"], "tie_breaker": 0.5}
    return {"query": {"multi_match": fields}, "size": k} | FOUND
