"""What the Elasticsearch chart refuses, and in which words: each message names the value and the cure."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.helm.charts import CHARTS, needs_helm, refusal

CHART = CHARTS / "elasticsearch"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())

MISSPELT = [
    ({"replica": 3}, "'replica' not allowed"),
    ({"auth": {"exsistingSecret": "x"}}, "at '/auth': additional properties 'exsistingSecret' not allowed"),
    ({"networkPolicy": {"namespaces": []}}, "at '/networkPolicy': additional properties 'namespaces' not allowed"),
]
OUT_OF_RANGE = [
    ({"mode": "cloud"}, "at '/mode': value must be one of 'standalone', 'external', 'eck'"),
    ({"heap": "1Gi"}, "at '/heap': '1Gi' does not match pattern"),
    ({"heap": 512}, "at '/heap': got number, want string"),
    ({"replicas": 0}, "at '/replicas': minimum: got 0, want 1"),
    ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
    ({"auth": {"username": "elastic"}}, "at '/auth/username'"),
    ({"mode": "external", "external": {"url": "search:9200"}}, "at '/external/url': 'search:9200' does not match"),
]
CONTRADICTIONS = [
    ({"mode": "external"}, "external.url is empty: say where Elasticsearch is (https://HOST:9200)"),
    (
        {"mode": "external", "external": {"url": "https://a", "apiKey": "x", "username": "u", "password": "p"}},
        "external.apiKey and external.username are both given: keep the one",
    ),
    ({"mode": "external", "external": {"url": "https://a", "username": "u"}}, "go together: give both, or neither"),
    (
        {"mode": "external", "external": {"url": "https://a"}, "auth": {"existingSecret": "mine"}},
        "external.url is given beside auth.existingSecret, which is used as it is: put the value into that Secret",
    ),
    ({"mode": "external", "external": {"url": "https://a"}, "tls": {"secretName": "t"}}, "into external.caCertificate"),
    ({"external": {"url": "https://a"}}, "external.url is given, but mode is standalone: set mode to external"),
    ({"replicas": 2}, "replicas is 2, and the loss of either node would stop both: set it to 1, or to 3"),
    (
        {"replicas": 3, "podDisruptionBudget": {"maxUnavailable": 2}},
        "podDisruptionBudget.maxUnavailable is 2, and a drain could take the majority of 3 nodes: set it to 1 or less",
    ),
    (
        {"heap": "4g", "resources": {"limits": {"memory": "4Gi"}}},
        "resources.limits.memory is 4Gi, too little for a heap of 4g and the 512Mi",
    ),
    ({"settings": {"xpack.security.enabled": False}}, "settings has xpack.security.enabled, which the chart sets"),
    ({"mode": "eck", "auth": {"existingElasticSecret": "x"}}, "auth.existingElasticSecret is for mode standalone"),
    ({"mode": "eck", "transport": {"existingSecret": "x"}}, "transport.existingSecret is for mode standalone"),
]


@needs_helm
@pytest.mark.parametrize(("values", "message"), MISSPELT + OUT_OF_RANGE + CONTRADICTIONS)
def test_values_that_cannot_work_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    assert message in refusal(CHART, values)


@needs_helm
def test_all_contradictions_are_told_at_once() -> None:
    told = refusal(CHART, {"heap": "8g", "settings": {"discovery.type": "x"}, "external": {"url": "https://a"}})
    assert told.count("\n- ") == 3


def _objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _objects(field, f"{path}.{name}")


def test_every_field_is_described_and_every_group_closed() -> None:
    for path, field in _objects(SCHEMA):
        assert field["description"].endswith("."), path
        assert "properties" not in field or field["additionalProperties"] is False, path
    assert SCHEMA["additionalProperties"] is False


def test_schema_and_default_values_name_the_same_fields() -> None:
    def names(values: dict[str, Any], path: str = "") -> Iterator[str]:
        for name, value in values.items():
            yield f"{path}.{name}"
            if isinstance(value, dict):
                yield from names(value, f"{path}.{name}")

    defaults = set(names(yaml.safe_load((CHART / "values.yaml").read_text())))
    declared = {path for path, _ in _objects(SCHEMA)} - {".global"}
    assert declared == {name for name in defaults if name.count(".") < 3}
