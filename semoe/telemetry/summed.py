"""The metrics of several processes as those of one: what a pod serves that has a worker for each of its GPUs.

Each worker keeps its values in files of a folder (Prometheus's multiprocess mode). There they outlive it, so that a sum
of counters never falls.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that has a process keep its values in a folder; it must be set before the process begins."""


def summed(own: CollectorRegistry, folder: Path) -> CollectorRegistry:
    """Returns a registry of this process's metrics and the workers', added up.

    Args:
        own: this process's: every metric, so that each series is there from the start, and the GPUs'.
        folder: where the workers keep theirs.
    """
    registry = CollectorRegistry()
    registry.register(_Sum(own, folder))
    return registry


def forget_gauges(pid: int, folder: Path) -> None:
    """Leaves out what a worker said to be in hand, once it ended badly; what it counted stays."""
    mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


class _Sum(Collector):
    def __init__(self, own: CollectorRegistry, folder: Path) -> None:
        self._own = own
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for family in chain(self._own.collect(), self._of_workers()):
            families.setdefault(family.name, family)
            values = sums.setdefault(family.name, {})
            for one in family.samples:
                series = (one.name, tuple(sorted(one.labels.items())))
                values[series] = values.get(series, 0.0) + one.value
        for name, family in families.items():
            family.samples = [Sample(series, dict(labels), value) for (series, labels), value in sums[name].items()]
            yield family

    def _of_workers(self) -> Iterator[Metric]:
        files = list[str]()
        for path in self._folder.glob("*.db"):
            # One that was made this moment is empty; one of a worker that ended may have gone since.
            with suppress(FileNotFoundError):
                if path.stat().st_size:
                    files.append(str(path))
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
