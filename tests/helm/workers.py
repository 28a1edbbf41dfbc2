"""The workers' chart: what the tests of its templates share."""

from typing import Any

from semoe.cli.cluster.argo import template_name
from tests.helm.charts import CHARTS, Document, only

CHART = CHARTS / "workers"
LEAST: dict[str, Any] = {"store": {"url": "s3://bucket/semoe", "workerSecret": "keys"}}
"""The values that it asks for."""


def defaults(documents: list[Document], concept: str = "encode") -> dict[str, str]:
    """What a WorkflowTemplate's parameters are where nobody gives them."""
    template = only(documents, "WorkflowTemplate", template_name(concept))
    return {one["name"]: one.get("value") for one in template["spec"]["arguments"]["parameters"]}
