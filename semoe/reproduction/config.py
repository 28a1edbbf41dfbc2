"""Configs of experiments: checked-in TOML files, one an experiment, and a user's own in the same form.

A config is what a settings file of `semoe plan` is, with the experiment's title and what differs from its original, and
with published figures where there are some. Which options its tables may have, the command line knows.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from semoe.errors import UsageError, unknown_name
from semoe.files import read_text
from semoe.typed import build

SUFFIX = ".toml"
TABLES = ("plan", "recipe", "switching")
"""What an experiment does. Where it is done, and how fast, is not in a config: it differs from machine to machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """`[experiment]`: what a report says of it before the figures."""

    title: str
    of: str
    """The published project that has it."""
    about: str
    """What it holds, in a sentence or two."""
    differs: tuple[str, ...] = ()
    """What is not as in the original, and why: a sentence each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFigure:
    """`[[published]]`: a figure that somebody published, to stand beside ours."""

    method: str
    metric: str
    """em, f1, precision or recall."""
    value: float
    """In percent."""
    source: str
    """Where it can be read."""
    type: str = "total"
    """Of the questions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """An experiment, ready to be planned."""

    name: str
    experiment: Experiment
    options: Mapping[str, Mapping[str, Any]]
    """Of `semoe plan`, by table."""
    published: tuple[PublishedFigure, ...] = ()


def config_names() -> tuple[str, ...]:
    """Names of the experiments that come with SEMOE."""
    return tuple(sorted(one.name.removesuffix(SUFFIX) for one in _shipped().iterdir() if one.name.endswith(SUFFIX)))


def read_config(name_or_path: str) -> Config:
    """Reads an experiment that comes with SEMOE by name, or a user's TOML file.

    Raises:
        UsageError: an unknown name (the message names the nearest), broken TOML, or a table or key that is none.
    """
    if name_or_path.endswith(SUFFIX):
        return parse_config(read_text(Path(name_or_path)), Path(name_or_path).stem)
    if name_or_path not in config_names():
        raise unknown_name("config", name_or_path, config_names())
    return parse_config((_shipped() / f"{name_or_path}{SUFFIX}").read_text(encoding="utf-8"), name_or_path)


def parse_config(text: str, name: str) -> Config:
    """Builds a config from TOML text.

    Raises:
        UsageError: see `read_config`.
    """
    try:
        tables = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"Config {name}: broken TOML ({error}).", kind="broken-toml") from error
    known = ("experiment", "published", *TABLES)
    for table in tables:
        if table not in known:
            raise unknown_name(f"table in config {name}", table, known)
    figures = tables.pop("published", [])
    experiment = build(Experiment, tables.pop("experiment", {}), f"config {name}, [experiment]")
    published = tuple(build(PublishedFigure, one, f"config {name}, [[published]]") for one in figures)
    return Config(name=name, experiment=experiment, options=tables, published=published)


def _shipped() -> Any:
    return resources.files("semoe.reproduction") / "configs"
