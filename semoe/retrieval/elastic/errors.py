"""The one place that knows the client library's errors, and turns them into ours: what was wrong, where, what to do."""

import re
from typing import TYPE_CHECKING, Any

from semoe.errors import SemoeError, TransientError, UsageError
from semoe.missing import missing_package
from semoe.retrieval.dense import DENSE

if TYPE_CHECKING:
    from elasticsearch import ApiError, TransportError

BUSY = (408, 429, 502, 503, 504)
"""Statuses of a request, or of one item of a bulk, that are worth another try."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure", "HTTP_REQUEST")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


class TooLargeError(UsageError):
    """A request that is larger than Elasticsearch, or a gateway before it, takes: half of it may pass."""


def library() -> Any:
    """Returns the module `elasticsearch`.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import elasticsearch  # noqa: PLC0415  (an extra, and slow to import)
    except ModuleNotFoundError as error:
        raise missing_package(error) or error from error
    return elasticsearch


def worth_a_try(error: "ApiError | TransportError") -> bool:
    """Whether the same request may succeed in a while: the cluster is busy or away."""
    es = library()
    if isinstance(error, es.ApiError):
        return error.status_code in BUSY
    return isinstance(error, es.ConnectionError | es.ConnectionTimeout) and not isinstance(error, es.SSLError)


def translated(error: "ApiError | TransportError", index: str, where: str) -> SemoeError:
    """Our error for one of the client's."""
    es = library()
    if isinstance(error, es.UnsupportedProductError | es.SerializationError):
        return UsageError(f"What answers at {where} is not Elasticsearch. Check --es_url.", kind="es-refused")
    if isinstance(error, es.ApiError):
        return refused(error.status_code, reason(error.body), index, where)
    if isinstance(error, es.SSLError) and any(words in error.message for words in _NO_TLS):
        return UsageError(
            f"What answers at {where} speaks http, not https ({error.message}). Correct --es_url.", kind="es-settings"
        )
    if isinstance(error, es.SSLError):
        return UsageError(
            f"The certificate of {where} is not trusted ({error.message}). Name the CA with --es_ca_file.",
            kind="es-certificate",
        )
    return TransientError(
        f"No answer from Elasticsearch at {where} ({error.message}). Is it running, and is --es_url right (port, http "
        "or https)?",
        kind="es-unreachable",
    )


def refused(status: int, why: str, index: str, where: str) -> SemoeError:
    """Builds the error for an answer with this HTTP status."""
    if status == 401:
        return UsageError(
            f"Elasticsearch at {where} does not know these credentials ({why}). Check SEMOE_ES_API_KEY, or "
            "SEMOE_ES_USERNAME and SEMOE_ES_PASSWORD.",
            kind="es-credentials",
        )
    if status == 403:
        return UsageError(
            f"Elasticsearch at {where} forbids this on index {index} ({why}). Searching needs the privileges read and "
            "view_index_metadata, indexing needs all, on this index.",
            kind="es-forbidden",
        )
    if status == 413:
        return TooLargeError(
            f"Elasticsearch at {where}, or a gateway before it, takes no request so large ({status}: {why}). Raise its "
            "limit (nginx: client_max_body_size).",
            kind="es-too-large",
        )
    if status == 404:
        return UsageError(
            f"No index {index} in Elasticsearch at {where}. Run {command_for(index)} first, or correct --index_name.",
            kind="missing-index",
        )
    if status in BUSY or status >= 500:
        return TransientError(f"Elasticsearch at {where} is busy or in trouble ({status}: {why}).", kind="es-busy")
    return UsageError(f"Elasticsearch at {where} refuses this on index {index} ({status}: {why}).", kind="es-refused")


def command_for(index: str) -> str:
    """Returns the command that makes an index."""
    retriever = "elasticsearch-dense" if index.endswith(DENSE) else "elasticsearch"
    return f"`semoe index --retriever {retriever} --index_name {index.removesuffix(DENSE)}`"


def reason(body: Any) -> str:
    """The innermost reason that an answer gives, in Elasticsearch's words; of a web page its title."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return _plain(str(error or "no reason given"))
    inner = (error.get("root_cause") or [error])[0]
    return f"{inner.get('type', '')}: {inner.get('reason', '')}"[:300]


def _plain(text: str) -> str:
    title = _TITLE.search(text)
    return " ".join(_TAG.sub(" ", title[1] if title else text).split())[:300]
