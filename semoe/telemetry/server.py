"""Serves `/metrics` while a worker lives, and a moment longer, so that its last figures are seen.

Called by `semoe worker`. A worker that ends between two scrapes would take what it counted since the first of them
along; so when its work is over it waits for one more scrape, but not for long.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics, make_wsgi_app

from semoe.errors import SemoeError, UsageError
from semoe.telemetry.counting import metrics
from semoe.telemetry.gpu import sampled_gpus
from semoe.telemetry.listening import bound_everywhere

App = Callable[..., Iterable[bytes]]


@contextmanager
def serving(port: int, *, last_scrape_seconds: float = 0.0, registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Serves the registry on all addresses, IPv6 and IPv4, during the block, and samples the GPUs as long.

    A worker that was asked to stop does not wait for the last scrape: its time is short.

    Args:
        port: 0 serves nothing.
        last_scrape_seconds: longest wait for one more scrape after the block: more than Prometheus's interval; 0 waits
            for none.
        registry: what is served.

    Raises:
        UsageError: the port cannot be had.
    """
    if not port:
        yield
        return
    metrics.declared  # noqa: B018  (there from the first scrape on, whatever is counted first)
    last = _LastScrape()
    server = _start(port, registry, last)
    wait = True
    with sampled_gpus(metrics):
        try:
            yield
        except BaseException as error:
            wait = error.kind != "stopped" if isinstance(error, SemoeError) else isinstance(error, Exception)
            raise
        finally:
            if wait:
                last.wait(last_scrape_seconds)
            server.shutdown()
            server.server_close()


class _LastScrape:
    """Tells when a scrape that began after the work's end was answered whole."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._seen = threading.Event()

    def wait(self, seconds: float) -> None:
        """Says that the work is over, and waits for the scrape."""
        self._over.set()
        self._seen.wait(seconds)

    def watch(self, app: App) -> App:
        """Returns the same application, watched."""

        def watched(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            over = self._over.is_set()
            yield from app(environ, start_response)
            # The server asks for more only when it has sent what it had.
            if over:
                self._seen.set()

        return watched


def _start(port: int, registry: CollectorRegistry, last: _LastScrape) -> WSGIServer:
    disable_created_metrics()  # type: ignore[no-untyped-call]  # each series' time of birth would be half of all lines
    try:
        server = bound_everywhere(port)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"Cannot serve metrics on port {port} ({error}). Choose another --metrics_port, or 0 for none.",
            kind="metrics-port",
        ) from error
    server.set_app(last.watch(make_wsgi_app(registry)))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
