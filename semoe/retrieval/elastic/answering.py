"""What answers at an address of Elasticsearch, where it answers otherwise than Elasticsearch 9 would.

`Connection` asks when its first request failed: another major, OpenSearch, a proxy's page.
"""

import re
from typing import TYPE_CHECKING, Any

from semoe.errors import UsageError
from semoe.retrieval.elastic.errors import BUSY, library, reason

if TYPE_CHECKING:
    from elasticsearch import ApiError, Elasticsearch, TransportError

MAJOR = "9"
"""Of Elasticsearch, which the client speaks to."""
SIGNATURE = "x-elastic-product"
_UNTOLD = (*BUSY, 401, 403, 413)
"""Statuses that proxies give too, and that say enough."""
_ABOUT_VERSIONS = (400, 405, 406, 415)
_TAKEN = re.compile(r"must be either version (\d+) or \d+")


def is_signed(meta: Any) -> bool:
    """Whether Elasticsearch itself gave an answer: it has signed all of them since 7.14."""
    return str(meta.headers.get(SIGNATURE, "")) == "Elasticsearch"


def is_odd(error: "ApiError | TransportError") -> bool:
    """Whether an error may come of something else than Elasticsearch 9."""
    es = library()
    if isinstance(error, es.UnsupportedProductError | es.SerializationError):
        return True
    if not isinstance(error, es.ApiError) or error.status_code in _UNTOLD:
        return False
    return error.status_code in _ABOUT_VERSIONS or not is_signed(error.meta)


def other_server(client: "Elasticsearch", where: str) -> UsageError | None:
    """Asks what is there; returns None where it is Elasticsearch 9, or does not say."""
    es = library()
    try:
        # Without the header by which a client of one major is refused by others.
        answer = client.perform_request("GET", "/", headers={"accept": "*/*"})
        meta, body = answer.meta, answer.body
    except es.ApiError as error:
        meta, body = error.meta, error.body
    except es.SerializationError as error:
        return _no_elasticsearch(f"something that is no JSON ({error.message})", where)
    except es.TransportError:
        return None
    return _told(meta, body, where)


def _told(meta: Any, body: Any, where: str) -> UsageError | None:
    found = body.get("version") if isinstance(body, dict) else None
    if isinstance(found, dict) and "number" in found:
        name = "OpenSearch" if found.get("distribution") == "opensearch" else "Elasticsearch"
        return _other(name, str(found["number"]), where)
    taken = _TAKEN.search(str(body))
    if taken:
        return _other("Elasticsearch", taken[1], where)
    if is_signed(meta) or meta.status in _UNTOLD:
        return None
    return _no_elasticsearch(f"{meta.status}: {reason(body)}", where)


def _other(name: str, version: str, where: str) -> UsageError | None:
    if name == "Elasticsearch" and version.partition(".")[0] == MAJOR:
        return None
    return UsageError(
        f"{name} {version} answers at {where}; Elasticsearch {MAJOR} is needed. Give the address of one with --es_url, "
        "or keep the index in a folder (--retriever bm25).",
        kind="es-version",
    )


def _no_elasticsearch(said: str, where: str) -> UsageError:
    return UsageError(
        f"What answers at {where} is not Elasticsearch (it says {said}). Check --es_url: port, path, and what stands "
        "before it.",
        kind="es-refused",
    )
