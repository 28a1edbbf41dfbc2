"""Asks Elasticsearch, with patience: every call of this folder goes through `Connection.ask`.

The client's own retries are off: they do not wait.
"""

import logging
import math
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from semoe.errors import SemoeError, UsageError
from semoe.retrieval.elastic.answering import is_odd, is_signed, other_server
from semoe.retrieval.elastic.backoff import Patience
from semoe.retrieval.elastic.errors import library, translated, worth_a_try
from semoe.retrieval.elastic.settings import ElasticConfig
from semoe.telemetry.counting import metrics
from semoe.telemetry.metrics import OK

if TYPE_CHECKING:
    from elasticsearch import ApiError, Elasticsearch, TransportError

log = logging.getLogger(__name__)
FIRST_ANSWER_SECONDS = 4.0
"""Patience until the first answer: a wrong address should be told soon."""


class Connection:
    """A client for one cluster; may be used by several threads."""

    def __init__(self, config: ElasticConfig) -> None:
        self.config = config
        self._stop = threading.Event()
        self._answered = self._told = False
        self.most_bytes: float = math.inf
        """Of a request, as far as a gateway before it has taught us."""
        self._library = library()
        # It warns of each failed attempt with a traceback; we say it once, below.
        logging.getLogger("elastic_transport").setLevel(logging.ERROR)
        self._client: Elasticsearch = _client(self._library, config)

    def ask(self, call: Callable[["Elasticsearch"], Any], index: str, *, operation: str = "manage") -> Any:
        """Returns what `call` returns, tried again while the cluster is busy or away.

        Args:
            call: one request.
            index: its name, for messages.
            operation: search, bulk or manage, for metrics.

        Raises:
            UsageError: wrong credentials, missing rights, no such index, a request that can never succeed.
            TransientError: no usable answer within `patience_seconds`, or an error of the server's own.
        """
        patience = self.patience(None if self._answered else FIRST_ANSWER_SECONDS)
        while True:
            started = time.monotonic()
            try:
                answer = call(self._client)
            except (self._library.ApiError, self._library.TransportError) as error:
                found = self._named(error, index)
                metrics.elasticsearch_called(operation, found.kind, time.monotonic() - started)
                if not worth_a_try(error) or not patience.wait():
                    raise found from error
                self._tell(found)
            else:
                self._require_elasticsearch(answer)
                metrics.elasticsearch_called(operation, OK, time.monotonic() - started)
                self._answered = True
                self._told = False
                return answer

    def _named(self, error: "ApiError | TransportError", index: str) -> SemoeError:
        """Our error; before the first good answer it is asked who gives it."""
        other = other_server(self._client, self.config.where) if not self._answered and is_odd(error) else None
        return other or translated(error, index, self.config.where)

    def _require_elasticsearch(self, answer: Any) -> None:
        """The client looks at good answers alone; that there is no such index, any web server says."""
        if not self._answered and answer.meta.status == 404 and not is_signed(answer.meta):
            other = other_server(self._client, self.config.where)
            if other:
                raise other

    def _tell(self, error: SemoeError) -> None:
        """Once for all threads, until there is an answer again."""
        if self._answered and not self._told:
            self._told = True
            log.warning("%s Trying for up to %.0f s more.", error, self.config.patience_seconds)

    def patience(self, at_most_seconds: float | None = None) -> Patience:
        """A new patience, of `patience_seconds` seconds or fewer."""
        seconds = self.config.patience_seconds
        return Patience(seconds if at_most_seconds is None else min(seconds, at_most_seconds), self._stop)

    def close(self) -> None:
        """Ends all waiting, in every thread, and the connections."""
        self._stop.set()
        self._client.close()


def _client(library: Any, config: ElasticConfig) -> "Elasticsearch":
    options = {"request_timeout": config.request_timeout_seconds, "max_retries": 0} | _credentials(config)
    try:
        if "ca_certs" in options:
            # The client reads them at its first call only, and calls what fails then a dead network.
            ssl.create_default_context(cafile=options["ca_certs"])
        made: Elasticsearch = library.Elasticsearch(list(config.urls), **options)
    except OSError as error:
        raise UsageError(
            f"Cannot read certificates from {config.ca_file} ({error}). Check --es_ca_file or SEMOE_ES_CA_FILE.",
            kind="es-settings",
        ) from error
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"The settings do not work for Elasticsearch at {config.where} ({error}). Check --es_url and SEMOE_ES_….",
            kind="es-settings",
        ) from error
    return made


def _credentials(config: ElasticConfig) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if config.api_key:
        options["api_key"] = config.api_key
    elif config.username and config.password:
        options["basic_auth"] = (config.username, config.password)
    if config.ca_file and any(url.startswith("https") for url in config.urls):
        options["ca_certs"] = str(config.ca_file)
    return options
