"""`/metrics` of a real worker, and how long it is served."""

import errno
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from semoe.errors import TransientError, UsageError
from semoe.runs.folder import RunFolder
from semoe.runs.shard import run_shard
from semoe.telemetry.metrics import Metrics
from semoe.telemetry.server import serving
from tests.small_run import planned
from tests.telemetry.scraping import free_port, scrape, scraped_until_the_end


def worker(folder: RunFolder, port: int) -> list[str]:
    place = ["--store", folder.objects.url, "--run", folder.run, "--stage", "encode", "--shard", "0"]
    return [sys.executable, "-m", "semoe", "worker", *place, "--metrics_port", str(port), "--last_scrape_seconds", "20"]


def test_a_worker_serves_what_it_does_and_its_last_figures_are_seen(small_root: Path, tmp_path: Path) -> None:
    folder, port = planned(small_root, tmp_path, shards=2), free_port()
    run_shard(folder, "augment", 0)
    process = subprocess.Popen(worker(folder, port))
    found = scraped_until_the_end(process, port)
    assert process.wait() == 0
    report = folder.find_report("encode", 0)
    assert report is not None
    first, last = found[0], found[-1]
    assert first["semoe_experts_trained_total"] == 0
    assert last["semoe_experts_trained_total"] == report.counts["trained"] > 0
    assert last["semoe_experts_published_total"] == report.counts["published"]
    assert last['semoe_shard_items{stage="encode"}'] == report.counts["passages"]
    assert "process_resident_memory_bytes" in last


def test_a_worker_that_fails_is_scraped_with_its_error(small_root: Path, tmp_path: Path) -> None:
    folder, port = planned(small_root, tmp_path, shards=2), free_port()
    plan = tmp_path / "store" / "runs" / "r" / "plan.json"
    plan.write_text(plan.read_text().replace(f"{small_root}/tiny", f"{small_root}/gone"))
    process = subprocess.Popen(worker(folder, port))
    found = scraped_until_the_end(process, port)
    assert process.wait() == 2
    # The model that the plan names is gone.
    assert found[-1]['semoe_errors_total{kind="model"}'] == 1


def test_a_port_in_use_is_the_users_to_change(small_root: Path, tmp_path: Path) -> None:
    folder, port = planned(small_root, tmp_path, shards=2), free_port()
    with serving(port, last_scrape_seconds=0):
        ended = subprocess.run(worker(folder, port), capture_output=True, text=True, check=False)
    said = " ".join(ended.stderr.split())
    assert ended.returncode == 2
    assert f"Cannot serve metrics on port {port}" in said
    assert "--metrics_port" in said
    with pytest.raises(UsageError, match="port 70000"), serving(70000):
        pass
    # It is free again.
    with serving(port, last_scrape_seconds=0):
        assert scrape(port)


def test_0_serves_nothing_and_does_not_wait() -> None:
    before, threads = time.monotonic(), threading.active_count()
    with serving(0):
        assert threading.active_count() == threads
    assert time.monotonic() - before < 1


def test_the_end_waits_for_a_scrape_of_the_last_figures() -> None:
    registry, port, seen = CollectorRegistry(), free_port(), list[float]()
    own = Metrics(registry)

    def look_later() -> None:
        time.sleep(0.6)
        seen.append(scrape(port)["semoe_retrievals_total"])

    began = time.monotonic()
    with serving(port, last_scrape_seconds=30, registry=registry):
        # An earlier scrape is not the last one.
        assert scrape(port)["semoe_retrievals_total"] == 0
        looker = threading.Thread(target=look_later)
        looker.start()
        own.retrievals.inc(7)
    looker.join()
    assert seen == [7]
    assert 0.5 < time.monotonic() - began < 10


def test_without_a_scraper_the_end_comes_in_time() -> None:
    began = time.monotonic()
    with serving(free_port(), last_scrape_seconds=0.5):
        pass
    assert 0.5 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (TransientError("Asked to stop.", kind="stopped"), False),
        (KeyboardInterrupt(), False),
        (UsageError("Wrong.", kind="bad-value"), True),
        (OSError("a bug"), True),
    ],
)
def test_an_error_waits_for_its_scrape_but_a_stop_does_not(error: BaseException, waits: bool) -> None:
    began = time.monotonic()
    with pytest.raises(type(error)), serving(free_port(), last_scrape_seconds=1.5):
        raise error
    assert (time.monotonic() - began >= 1.5) == waits


def answers(port: int) -> dict[str, int]:
    """The status that each kind of address gives; 0 where nobody answers."""
    found = {}
    for host in ("127.0.0.1", "[::1]"):
        try:
            found[host] = urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=5).status
        except OSError:
            found[host] = 0
    return found


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_both_kinds_of_addresses_are_served() -> None:
    with serving(port := free_port()):
        assert answers(port) == {"127.0.0.1": 200, "[::1]": 200}


@pytest.mark.parametrize("reason", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_a_machine_without_ipv6_serves_ipv4(reason: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a kernel started with ipv6.disable=1, which knows no such sockets."""

    def refuse(self: object) -> None:
        raise OSError(reason, "no IPv6 here")

    monkeypatch.setattr("semoe.telemetry.listening._DualServer.server_bind", refuse)
    with serving(port := free_port()):
        assert answers(port) == {"127.0.0.1": 200, "[::1]": 0}


def test_a_port_that_another_program_has_on_ipv4_alone_is_in_use() -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as other,
        pytest.raises(UsageError, match="Cannot serve metrics"),
        serving(other.getsockname()[1]),
    ):
        pass
