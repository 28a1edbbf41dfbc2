"""Prints docs/cli.md from the program itself: `python -m semoe.cli.reference`."""

import sys
from typing import Any

import typer

from semoe.cli.app import app


def reference() -> str:
    """Returns the page: every verb with its options, defaults and example."""
    parts = ["# The command line", "", "Printed by `make docs-cli`; do not edit.", ""]
    command = typer.main.get_command(app)
    _describe(command, "semoe", parts)
    return "\n".join(parts).rstrip()


def _describe(command: Any, name: str, parts: list[str]) -> None:
    parts += [f"## {name}", "", (command.help or "").strip(), ""]
    options = [p for p in command.params if p.name != "help"]
    if options:
        panels = dict.fromkeys(_panel(option) for option in options)
        for panel in panels:
            parts += [f"**{panel}**", "", "| option | default | meaning |", "|---|---|---|"]
            parts += [_row(option) for option in options if _panel(option) == panel]
            parts.append("")
    verbs = getattr(command, "commands", {})
    for verb in sorted(verbs):
        _describe(verbs[verb], f"{name} {verb}", parts)


def _panel(option: Any) -> str:
    return getattr(option, "rich_help_panel", None) or "Options"


def _row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    default = "required" if option.required else "" if option.default is None else f"`{option.default}`"
    environment = f" Environment: `{option.envvar}`." if getattr(option, "envvar", None) else ""
    return f"| {names} | {default} | {getattr(option, 'help', '') or ''}{environment} |"


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
