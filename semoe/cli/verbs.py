"""`@verb`: a function that takes option groups becomes a command that takes their fields as options."""

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import MISSING, fields
from functools import wraps
from typing import Annotated, Any, get_args, get_type_hints

from typer.models import ParameterInfo

from semoe.cli.option_groups import groups, own_tables
from semoe.cli.settings_file import PrintSettings, SettingsFile, print_settings
from semoe.errors import CorruptError


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Returns a command with an option for each field of each group among a function's parameters.

    It also has `--settings` and `--print_settings`, see `settings_file`.
    """
    hints = get_type_hints(function, include_extras=True)
    kinds = {name: kind for name, kind in hints.items() if kind in groups}
    own = [one for name, one in inspect.signature(function).parameters.items() if name not in kinds]
    own = [one.replace(annotation=hints[one.name]) for one in own]
    name = verb_name(function)
    plain = get_type_hints(function)
    own_tables[name] = {one.name: plain[one.name] for one in own}

    @wraps(function)
    def command(**values: Any) -> None:
        values.pop("settings")
        asked_as = values.pop("print_settings")
        if asked_as:
            print_settings(asked_as, name, [*kinds.values()], values)
            return
        for parameter, kind in kinds.items():
            values[parameter] = kind(**{one.name: values.pop(one.name) for one in fields(kind)})
        try:
            function(**values)
        except EOFError as error:
            # Typer takes it for a person's Ctrl-D, and ends without a word.
            raise CorruptError(f"Something that {name} reads ends early. {error}".strip(), kind="ends-early") from error

    shared = [parameter for kind in kinds.values() for parameter in _parameters(kind)]
    about = [_parameter("settings", SettingsFile, None), _parameter("print_settings", PrintSettings, "")]
    signature = inspect.Signature([_keyword(one) for one in (*own, *shared, *about)])
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    command.tables = (*(groups[kind].table for kind in kinds.values()), name)  # type: ignore[attr-defined]
    return command


def verb_name(function: Callable[..., Any]) -> str:
    """Returns what a verb is called: `run_verb` is `run`, since a function of that name would hide others."""
    return function.__name__.removesuffix("_verb")


def _parameters(kind: type) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    defaults = {one.name: inspect.Parameter.empty if one.default is MISSING else one.default for one in fields(kind)}
    return [_parameter(name, _in_panel(hints[name], groups[kind].panel), default) for name, default in defaults.items()]


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _keyword(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _in_panel(annotation: Any, panel: str) -> Any:
    """Returns an option's annotation with the panel of its group."""
    kind, info = get_args(annotation)
    shown: ParameterInfo = copy(info)
    shown.rich_help_panel = panel
    return Annotated[kind, shown]
