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
        parts += ["| option | default | meaning |", "|---|---|---|"]
        parts += [_row(option) for option in options]
        parts.append("")
    verbs = getattr(command, "commands", {})
    for verb in sorted(verbs):
        _describe(verbs[verb], f"{name} {verb}", parts)


def _row(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    default = "required" if option.required else "" if option.default is None else f"`{option.default}`"
    return f"| {names} | {default} | {getattr(option, 'help', '') or ''} |"


if __name__ == "__main__":
    sys.stdout.write(reference() + "\n")
