"""Reads metrics as Prometheus does: over HTTP from a worker, or from a registry of this process."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import urlopen

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """Values by series, written as a query writes it: labels in order of name."""
    found = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return {_series(one.name, one.labels): one.value for one in found}


def scrape(port: int) -> Samples:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return samples(answer.read().decode())


def scraped_until_the_end(process: "subprocess.Popen[bytes]", port: int) -> list[Samples]:
    """All scrapes, as often as Prometheus never does."""
    found = []
    while process.poll() is None:
        with suppress(URLError, ConnectionError, TimeoutError):
            found.append(scrape(port))
        time.sleep(0.05)
    return found


def here() -> Samples:
    """What this process would serve."""
    return samples(generate_latest(REGISTRY).decode())


@contextmanager
def counted() -> Iterator[Callable[[str], float]]:
    """Yields what asks by how much a series of this process grew since."""
    before = here()

    def grown(series: str) -> float:
        return here()[series] - before.get(series, 0)

    yield grown


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _series(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{label}="{labels[label]}"' for label in sorted(labels))
    return f"{name}{{{inside}}}" if inside else name
