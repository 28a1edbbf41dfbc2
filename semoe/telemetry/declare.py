"""How a metric is declared: one call says name, unit, meaning and the closed values of each label.

Called by `metrics`, once for each metric. Counters and histograms begin at 0 for every value of their labels, so that
the first event is an increase and a query finds the series before anything happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

PREFIX = "semoe_"
M = TypeVar("M", bound=MetricWrapperBase)


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What is known of a metric before anything is counted."""

    name: str
    """As a query names it; a histogram's series add `_bucket`, `_sum` and `_count`."""
    type: str
    unit: str
    """Of one: seconds, bytes, or the thing that is counted."""
    help: str
    labels: dict[str, tuple[str, ...]]
    """Values by label; () for the kinds of errors, which the program's own code closes, and for GPUs, which are few."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query may use."""
        if self.type != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{end}" for end in ("bucket", "sum", "count"))


class Declarations:
    """Makes metrics in a registry, and remembers what it made."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.all: list[Declared] = []

    def counter(self, name: str, unit: str, meaning: str, **labels: Sequence[str]) -> Counter:
        """Declares what only grows; `name` ends in `_total`."""
        declared = self._declare("counter", name, unit, meaning, labels)
        return _filled(Counter(declared.name, meaning, list(labels), registry=self._registry), declared)

    def gauge(self, name: str, unit: str, meaning: str, **labels: Sequence[str]) -> Gauge:
        """Declares what goes up and down; it has no value before it is set.

        Those of several workers are added up (`summed`), as long as they are at work.
        """
        declared = self._declare("gauge", name, unit, meaning, labels)
        return Gauge(declared.name, meaning, list(labels), registry=self._registry, multiprocess_mode="livesum")

    def histogram(
        self, name: str, unit: str, meaning: str, buckets: Sequence[float], **labels: Sequence[str]
    ) -> Histogram:
        """Declares a distribution; `buckets` are upper bounds."""
        declared = self._declare("histogram", name, unit, meaning, labels)
        made = Histogram(declared.name, meaning, list(labels), buckets=buckets, registry=self._registry)
        return _filled(made, declared)

    def _declare(self, kind: str, name: str, unit: str, meaning: str, labels: dict[str, Sequence[str]]) -> Declared:
        closed = {label: tuple(values) for label, values in labels.items()}
        self.all.append(Declared(name=PREFIX + name, type=kind, unit=unit, help=meaning, labels=closed))
        return self.all[-1]


def _filled(metric: M, declared: Declared) -> M:
    if declared.labels:
        for values in product(*declared.labels.values()):
            metric.labels(*values)
    return metric
