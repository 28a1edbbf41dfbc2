"""The dashboard is what its script makes, and a real Prometheus that scrapes real workers answers all its queries."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from scripts.dashboard import make_dashboard, panel_queries
from semoe.runs.folder import RunFolder
from semoe.runs.shard_items import STAGES
from tests.small_run import planned
from tests.telemetry.queries import ARGO, KNOWN, names_in
from tests.telemetry.scraping import free_port

ROOT = Path(__file__).parents[2]
CHECKED_IN = ROOT / "helm" / "workers" / "dashboards" / "runs.json"
BOARD: dict[str, Any] = json.loads(CHECKED_IN.read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
PROMETHEUS = shutil.which("prometheus")
STAND_IN = Path(__file__).with_name("stand_in")
"""With a module that stands for NVIDIA's: workers sample GPUs that are not there."""


def test_the_checked_in_dashboard_is_what_the_script_makes() -> None:
    assert CHECKED_IN.read_text(encoding="utf-8") == make_dashboard(), "run `make dashboards`"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_each_panel_says_what_it_shows_in_what_unit(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_lie_beside_each_other_and_have_numbers_of_their_own() -> None:
    taken = set[tuple[int, int]]()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_source_and_namespace_are_variables() -> None:
    assert [variable["name"] for variable in BOARD["templating"]["list"]] == ["datasource", "namespace"]
    ours = [target["expr"] for panel in PANELS for target in panel["targets"] if "semoe_" in target["expr"]]
    assert all('namespace=~"$namespace"' in query for query in ours)
    assert not any("$" in query for query in panel_queries(BOARD))


def test_queries_name_only_metrics_that_exist() -> None:
    for query in panel_queries(BOARD):
        names = names_in(query)
        assert names, query
        assert names <= KNOWN, f"{names - KNOWN} in {query}"


def test_what_a_query_names_is_found_in_it() -> None:
    assert names_in('sum by (le, x) (rate(a_b{c=~"d|$e"}[5m] offset 1h)) / ignoring (f) group_left () g > 0.5') == {
        "a_b", "g",
    }  # fmt: skip
    assert names_in('label_replace(a{b="c"} - (a offset 15m or h * 0), "i", "$1", "j", "(.+)")') == {"a", "h"}


CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: workers
    static_configs: [{{targets: ["127.0.0.1:{worker}"], labels: {{namespace: runs}}}}]
"""


@contextmanager
def prometheus(folder: Path, worker: int) -> Iterator[str]:
    """Runs a real Prometheus that scrapes one port; yields its address."""
    assert PROMETHEUS
    (folder / "prometheus.yml").write_text(CONFIG.format(worker=worker))
    port = free_port()
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command = [PROMETHEUS, *options, f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def ask(address: str, query: str, seconds: float) -> list[dict[str, Any]]:
    """All values of the last `seconds`."""
    now = time.time()
    asked = urlencode({"query": query, "start": now - seconds, "end": now, "step": 1})
    with urlopen(f"{address}/api/v1/query_range?{asked}", timeout=10) as answer:
        found = json.load(answer)
    assert found["status"] == "success", query
    return list(found["data"]["result"])


def wait_for(address: str) -> None:
    for _ in range(100):
        with suppress(URLError, ConnectionError):
            ask(address, "vector(1)", 1)
            return
        time.sleep(0.1)
    raise RuntimeError("Prometheus did not start")


def work(folder: RunFolder, port: int) -> None:
    """Does each stage's first shard, one worker after the other on one port, as a pod would."""
    path = os.pathsep.join([str(STAND_IN), *filter(None, [os.environ.get("PYTHONPATH")])])
    for stage in STAGES:
        place = ["--store", folder.objects.url, "--run", folder.run, "--stage", stage, "--shard", "0"]
        command = [
            sys.executable,
            "-m",
            "semoe",
            "worker",
            *place,
            "--metrics_port",
            str(port),
            "--last_scrape_seconds",
            "20",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path})


@pytest.mark.skipif(PROMETHEUS is None, reason="no command `prometheus` on the PATH")
def test_a_prometheus_that_scraped_workers_answers_every_query(small_root: Path, tmp_path: Path) -> None:
    folder, port, began = planned(small_root, tmp_path, shards=2), free_port(), time.time()
    with prometheus(tmp_path, port) as address:
        wait_for(address)
        work(folder, port)
        seconds = time.time() - began
        queries = [query for query in panel_queries(BOARD, "runs", "10s") if not names_in(query) & ARGO]
        assert len(queries) > 15
        for query in queries:
            assert ask(address, query, seconds), query
        # Not only are the series there: what was done is in them.
        report = folder.find_report("encode", 0)
        assert report
        highest = ask(address, "max(max_over_time(semoe_experts_trained_total[10m]))", 1)
        assert float(highest[0]["values"][-1][1]) == report.counts["trained"] > 0
        busy = ask(address, 'sum(max_over_time(semoe_gpu_busy_seconds_total{gpu="0"}[10m]))', 1)
        assert float(busy[0]["values"][-1][1]) > 0
        # Not its rate: where all are answered between two scrapes, there is none.
        answered = ask(address, 'max(max_over_time(semoe_questions_answered_total{method="combine"}[10m]))', 1)
        assert float(answered[0]["values"][-1][1]) > 0
