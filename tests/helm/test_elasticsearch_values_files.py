"""The chart's files of values: each passes helm's strict lint, and the API server takes what it renders."""

from pathlib import Path

import pytest
import yaml

from tests.helm.charts import CHARTS, needs_helm, only, render, run
from tests.helm.cluster import kubectl, restricted_namespace

CHART = CHARTS / "elasticsearch"
FILES = sorted((CHART / "values").glob("*.yaml"))

pytestmark = [needs_helm, pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)]


def test_strict_lint_passes(file: Path) -> None:
    assert "0 chart(s) failed" in run("helm", "lint", "--strict", CHART, "--values", file)


def test_big_clusters_spread_their_nodes(file: Path) -> None:
    values = yaml.safe_load(file.read_text())
    if values.get("mode", "standalone") != "standalone" or values.get("replicas", 1) == 1:
        return
    pod = only(render(CHART, files=[file]), "StatefulSet")["spec"]["template"]["spec"]
    assert "requiredDuringSchedulingIgnoredDuringExecution" in pod["affinity"]["podAntiAffinity"]
    selector = pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert (
        selector.items()
        <= only(render(CHART, files=[file]), "StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    )


@pytest.mark.cluster
def test_the_api_server_takes_what_is_rendered(file: Path) -> None:
    documents = render(CHART, files=[file])
    with restricted_namespace("semoe-values") as namespace:
        for document in documents:
            document["metadata"].pop("namespace", None)
        said = kubectl(namespace, "apply", "--dry-run=server", "--filename", "-", stdin=yaml.safe_dump_all(documents))
    assert said.count("created (server dry run)") == len(documents)
