"""Makes the Grafana dashboard **Runs** from `dashboard_panels`.

python -m scripts.dashboard --out helm/workers/dashboards/runs.json

The chart ships what it writes. `panel_queries` gives the tests every query as Prometheus takes it.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableRefresh

from scripts.dashboard_panels import RATE, ROWS, Panel

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
"""Of a row: Grafana divides a dashboard into so many columns."""
HEIGHT = 8


def make_dashboard() -> str:
    """Returns the dashboard as JSON."""
    board = (
        Dashboard("Runs")
        .uid("semoe-runs")
        .description(
            "SEMOE's runs: progress, training, GPUs, store, answers, errors. What each figure means: docs/metrics.md."
        )
        .tags(["semoe"])
        .timezone("browser")
        .refresh("30s")
        .time("now-3h", "now")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            QueryVariable("namespace")
            .label("Namespace")
            .description("Where the workers run.")
            .datasource(SOURCE)
            .query({"query": "label_values(semoe_experts_trained_total, namespace)", "refId": "namespace"})
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(True)
            .all_value(".*")
            .multi(True)
        )
    )
    number = 0
    for title, panels in ROWS.items():
        number += 1
        board = board.with_row(Row(title).id(number))
        for panel in panels:
            number += 1
            board = board.with_panel(_built(panel, max(WIDTH // len(panels), WIDTH // 4)).id(number))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _built(panel: Panel, width: int) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .min(0)
        .datasource(SOURCE)
        .span(width)
        .height(HEIGHT)
        .fill_opacity(10)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for number, (query, legend) in enumerate(panel.queries):
        name = chr(ord("A") + number)
        target = prometheus.Dataquery().expr(query).legend_format(legend).ref_id(name).range()
        built = built.with_target(target)
    return built


def panel_queries(dashboard: dict[str, Any], namespace: str = ".*", window: str = "1m") -> list[str]:
    """Returns every panel's queries with the variables filled in, as Prometheus takes them.

    Args:
        dashboard: as JSON reads it.
        namespace: a regular expression.
        window: of rates; at least four times the interval between scrapes.
    """
    values = {"$namespace": namespace, RATE: window}
    return [_filled(target["expr"], values) for panel in _panels(dashboard) for target in panel.get("targets", ())]


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def _filled(query: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        query = query.replace(name, value)
    return query


def main() -> None:
    """Writes the dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(make_dashboard(), encoding="utf-8")


if __name__ == "__main__":
    main()
