"""The values that a chart's schema knows, and what helm says of many of them at once."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tests.helm.charts import CHARTS, Document, rendered
from tests.helm.workers import LEAST

Key: TypeAlias = tuple[str, ...]

EXEMPT = {("global",)}
"""Helm's own."""
SETTINGS = '[trained]\ncorpus = "s3://bucket/wiki"\n[recipe]\nmodel_name = "smollm2"\n'
SCHEDULE = {"enabled": True, "schedule": "@daily", "settings": SETTINGS}
PLAIN = ("1e6", "true", "a: b #c \"d\" 'e' \\f <&> \u00e4\U0001f600", "---\na: {{b}}\n")
LIKE_OTHERS = (
    "123", "~", "0x1f", "no", "null", "2026-01-01", "=", "*a", "&a", "!a", "%a", "@a", "`a", "[a]", "{a}", "- a",
    "'", '"', "\\n", "${A}", " a ",
)  # fmt: skip
"""Texts that YAML, JSON, Helm or Argo would take for something else where they stand without quotation marks."""


@dataclass(frozen=True, eq=False)
class Case:
    """A chart, and values with which as much as possible of it appears."""

    name: str
    chart: Path
    base: Document


CASES = (
    Case("workers", CHARTS / "workers", LEAST | {"corpusSchedule": SCHEDULE}),
    Case("standalone", CHARTS / "elasticsearch", {}),
    Case("eck", CHARTS / "elasticsearch", {"mode": "eck"}),
    Case("external", CHARTS / "elasticsearch", {"mode": "external", "external": {"url": "https://search.example"}}),
)


@functools.cache
def leaves(chart: Path, *, groups: bool = False) -> tuple[Key, ...]:
    """The keys of all values; a map in which nothing is required is one value. With `groups` those of groups too."""
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    return tuple(path for path in _walk(schema, (), groups) if path not in EXEMPT)


def _walk(schema: Document, path: Key, groups: bool) -> Iterator[Key]:
    if path and (groups or not schema.get("required") or schema.get("type") != "object"):
        yield path
    if schema.get("type") == "object" and schema.get("required"):
        for name, field in schema["properties"].items():
            yield from _walk(field, (*path, name), groups)


@functools.cache
def defaults(chart: Path) -> dict[Key, Any]:
    """What each value is where nobody gives it."""
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    return {path: functools.reduce(lambda found, name: found[name], path, values) for path in leaves(chart)}


def at(values: Mapping[Key, Any], base: Mapping[str, Any] | None = None) -> Document:
    """Values by their keys as a file has them, over others."""
    made: Document = json.loads(json.dumps(base or {}))
    for path, value in values.items():
        place = made
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return made


def told(chart: Path, values: Document) -> tuple[str, str]:
    """What is rendered, and why nothing was."""
    try:
        return rendered(chart, values), ""
    except RuntimeError as error:
        return "", str(error)


def named(message: str, paths: Iterable[Key]) -> set[Key]:
    """Which of the values helm's message names: the schema by their place, rules of the chart with dots."""
    message = message.replace('\\"', '"')
    missed = {
        (*place.split("/")[1:], name)
        for place, names in re.findall(r"at '([^']*)': missing propert(?:y|ies) (.*)", message)
        for name in re.findall(r"'([^']+)'", names)
    }
    places = {tuple(place.split("/")[1:]) for place in re.findall(r"at '(/[^']*)'", message)}
    words = set(re.findall(r"[A-Za-z]+(?:\.[A-Za-z]+)*", message.partition("execution error")[2]))
    return {path for path in paths if path in missed or path in places or ".".join(path) in words}


def accepted(case: Case, values: Mapping[Key, Any]) -> tuple[dict[Key, Any], str]:
    """Those of the values that the chart takes when they are given together, and what it renders of them."""
    given = dict(values)
    while True:
        text, message = told(case.chart, at(given, case.base))
        if text:
            return given, text
        refused = named(message, given)
        assert refused, f"refused, and no value is named: {message}"
        given = {path: value for path, value in given.items() if path not in refused}


@functools.cache
def marked(case: Case, paths: frozenset[Key]) -> tuple[dict[Key, str], str]:
    """The same with a word for each value that stands nowhere else."""
    return accepted(case, {path: f"x{number}x" for number, path in enumerate(sorted(paths), start=100)})
