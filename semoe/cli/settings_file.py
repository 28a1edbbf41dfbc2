"""A TOML file in place of options: `--settings run.toml`, written by `--print_settings`.

Each option group is a table, a verb's own options are the table of its name. Tables of groups and verbs that are not
asked for are passed over, so one file serves every verb of a piece of work. The command line comes before the
environment, the environment before the file.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from semoe.cli.option_groups import groups, own_tables
from semoe.cli.output import out
from semoe.errors import UsageError, unknown_name
from semoe.files import read_text

PANEL = "Settings"


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the tables of a settings file.

    Raises:
        UsageError: no such file, broken TOML, or an unknown table or key; the message names the nearest.
    """
    try:
        tables = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: broken TOML ({error}).", kind="broken-toml") from error
    known = {group.table: {one.name for one in fields(kind)} for kind, group in groups.items()} | own_tables
    for table, values in tables.items():
        if table not in known:
            raise unknown_name(f"table in {path}:", table, known)
        if not isinstance(values, dict):
            raise UsageError(f"{path}: {table} must be a table, [{table}].", kind="broken-toml")
        for key in values:
            if key not in known[table]:
                raise unknown_name(f"key in {path}, [{table}]:", key, known[table])
    return tables


def print_settings(name: str, kinds: Iterable[type], values: Mapping[str, Any]) -> None:
    """Prints options as a settings file, those without a value as comments."""
    tables = {name: [key for key in values if key in own_tables[name]]}
    tables |= {groups[kind].table: [one.name for one in fields(kind)] for kind in kinds}
    out.print(f"# semoe {name} --settings FILE", soft_wrap=True)
    for table, keys in tables.items():
        lines = [_line(key, values[key]) for key in keys]
        if lines:
            out.print("\n".join(["", f"[{table}]", *lines]), soft_wrap=True)


def _line(key: str, value: Any) -> str:
    return f"# {key} =" if value is None else f"{key} = {_toml(value)}"


def _toml(value: Any) -> str:
    """Returns a value as TOML: of numbers, truth values, texts and lists its way of writing is JSON's."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _take(context: typer.Context, path: Path | None) -> Path | None:
    """Makes a file's values the defaults of this command line."""
    if path is not None:
        # The more special table comes later, and counts.
        tables: tuple[str, ...] = getattr(context.command.callback, "tables", ())
        found = read_settings(path)
        context.default_map = {key: value for table in tables for key, value in found.get(table, {}).items()}
    return path


def _ask_for_nothing(context: typer.Context, asked: bool) -> bool:
    """Lets a verb print its settings though required ones are not given yet."""
    if asked:
        for one in context.command.params:
            one.required = False
    return asked


SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        is_eager=True,
        callback=_take,
        rich_help_panel=PANEL,
        help="TOML file with options, as --print_settings writes it. What stands on the command line comes first.",
    ),
]
PrintSettings = Annotated[
    bool,
    typer.Option(
        "--print_settings",
        is_eager=True,
        callback=_ask_for_nothing,
        rich_help_panel=PANEL,
        help="Print these options as a settings file, and do nothing else.",
    ),
]
