"""A TOML file in place of options: `--settings run.toml`, written by `--print_settings`.

Each option group is a table, a verb's own options are the table of its name. Tables of groups and verbs that are not
asked for are passed over, so one file serves every verb of a piece of work. The command line comes before the
environment, the environment before the file.
"""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from semoe.cli.option_groups import groups, own_tables
from semoe.cli.output import out, reader
from semoe.errors import UsageError, unknown_name
from semoe.files import read_text
from semoe.typed import checked

PANEL = "Settings"


def read_settings(path: Path) -> dict[str, Any]:
    """Returns the tables of a settings file.

    Raises:
        UsageError: no such file, broken TOML, an unknown table or key (the message names the nearest), or a value of
            another kind than its option.
    """
    try:
        # Editors of some systems begin a file with a byte order mark.
        tables = tomllib.loads(read_text(path).removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: broken TOML ({error}).", kind="broken-toml") from error
    require_known(tables, str(path))
    return tables


def require_known(tables: Mapping[str, Any], where: str) -> None:
    """Makes sure that tables hold options as the verbs have them.

    Args:
        tables: as TOML gives them.
        where: begins messages.

    Raises:
        UsageError: an unknown table or key (the message names the nearest), or a value of another kind than its option.
    """
    known = {name: dict(own) for name, own in own_tables.items()}
    for kind, group in groups.items():
        hints = get_type_hints(kind)
        known.setdefault(group.table, {}).update({key: hints[key] for key in _keys(kind)})
    for table, values in tables.items():
        if table not in known:
            raise unknown_name(f"table in {where}:", table, known)
        if not isinstance(values, dict):
            raise UsageError(f"{where}: {table} must be a table, [{table}].", kind="broken-toml")
        for key, value in values.items():
            if key not in known[table]:
                raise unknown_name(f"key in {where}, [{table}]:", key, known[table])
            checked(value, known[table][key], f"{where}, [{table}]: {key}", finite=False)


def print_settings(asked_as: str, name: str, kinds: Iterable[type], values: Mapping[str, Any]) -> None:
    """Prints options as a settings file, those without a value as comments.

    Args:
        asked_as: the command, as it was called.
        name: the table of the verb's own options.
        kinds: its option groups.
        values: of all options, by name.
    """
    tables = {name: [key for key in values if key in own_tables[name]]}
    for kind in kinds:
        # A group may share the table of its verb.
        tables[groups[kind].table] = [*tables.get(groups[kind].table, []), *_keys(kind)]
    out.print(f"# {asked_as} --settings FILE", soft_wrap=True)
    for table, keys in tables.items():
        lines = [_line(key, values[key]) for key in keys]
        if lines:
            out.print("\n".join(["", f"[{table}]", *lines]), soft_wrap=True)


def _line(key: str, value: Any) -> str:
    return f"# {key} =" if value is None else f"{key} = {_toml(value)}"


def _keys(kind: type) -> list[str]:
    """The options of a group that a file may give; `--json` is another word for `format`."""
    return [one.name for one in fields(kind) if one.name != "json"]


def _toml(value: Any) -> str:
    """Returns a value as TOML: of numbers, truth values, texts and lists its way of writing is nearly JSON's."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")


def _take(context: typer.Context, path: Path | None) -> Path | None:
    """Makes a file's values the defaults of this command line."""
    if path is not None:
        # The more special table comes later, and counts.
        tables: tuple[str, ...] = getattr(context.command.callback, "tables", ())
        found = read_settings(path)
        if not reader.is_named:
            reader.is_program = found.get("output", {}).get("format") == "json"
        context.default_map = {key: value for table in tables for key, value in found.get(table, {}).items()}
    return path


def _ask_for_nothing(context: typer.Context, asked: bool) -> str:
    """Lets a verb print its settings though required ones are not given yet; returns the command as it was called."""
    if not asked:
        return ""
    for one in context.command.params:
        one.required = False
    return context.command_path


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
