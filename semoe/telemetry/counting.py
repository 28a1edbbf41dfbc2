"""`metrics`: the one instance that the package counts on, in Prometheus's default registry.

Prometheus's library is loaded at the first count, or when a worker serves: verbs that look at a run count nothing and
should not wait for it.
"""

from threading import Lock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from semoe.telemetry.metrics import Metrics


class _AtFirstUse:
    """Stands for the metrics until one of them is asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._made: Metrics | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made or self._make(), name)

    def _make(self) -> "Metrics":
        with self._lock:  # made twice, the registry would refuse the second
            if self._made is None:
                from prometheus_client import REGISTRY  # noqa: PLC0415  (as said above)

                from semoe.telemetry.metrics import Metrics  # noqa: PLC0415

                self._made = Metrics(REGISTRY)
            return self._made


metrics = cast("Metrics", _AtFirstUse())
